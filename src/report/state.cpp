#include "report/state.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tandem::report {
namespace {

std::vector<std::string> names_of(const std::vector<ArmIdentity>& arms) {
  std::vector<std::string> names;
  for (const auto& arm : arms) names.push_back(arm.name);
  return names;
}

template <class T>
void insert_sorted(std::vector<T>& values, const std::vector<T>& others) {
  values.insert(values.end(), others.begin(), others.end());
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Those that one of the two has forgotten, since a rollback was left, are not brought back by the other.
void merge_answers(State& into, const State& from) {
  if (from.answers_since < into.answers_since) return;
  if (from.answers_since > into.answers_since) {
    into.answers_since = from.answers_since;
    into.rules = from.rules;
    into.comparisons.clear();
  }
  into.rules = std::max(into.rules, from.rules);  // any, but the same one in whatever order
  for (const auto& [candidate, tally] : from.comparisons) into.comparisons[candidate].merge(tally);
}

}  // namespace

Result<void> State::merge(const State& other) {
  if (other.experiment != experiment)
    return Error("the states are of two experiments, \"" + experiment + "\" and \"" + other.experiment + "\"");
  if (names_of(other.arms) != names_of(arms) || other.control != control)
    return Error("the states of the experiment \"" + experiment + "\" have other arms or another control");
  auto merged = record;
  if (auto done = merged.merge(other.record); !done) return done.error();
  record = std::move(merged);

  std::vector<std::string> found = other.drift;
  const auto expect = [&](bool is_same, const char* what) {
    if (!is_same) found.emplace_back(what);
  };
  expect(other.salt == salt, "the salt");
  expect(other.revision == revision, "the revision");
  expect(other.arms == arms, "backends or weights");
  expect(other.assign == assign && other.is_matched == is_matched, "the assignment");
  expect(other.demands == demands, "what a verdict needs");
  expect(other.rules == rules, "the rules that answers are compared by");
  insert_sorted(drift, found);

  verified_since = verified_since == 0 || other.verified_since == 0 ? 0 : std::max(verified_since, other.verified_since);

  // The newer one says how things are now.
  if (other.revision > revision) {
    revision = other.revision;
    state = other.state;
    arms = other.arms;
    guardrails = other.guardrails;
  }
  merge_answers(*this, other);
  insert_sorted(events, other.events);
  forgotten.epochs = std::max(forgotten.epochs, other.forgotten.epochs);  // the same ones, of the same layouts
  forgotten.candidate_requests += other.forgotten.candidate_requests;
  forgotten.events += other.forgotten.events;
  keep_bounded();
  return {};
}

void State::keep_bounded() {
  if (events.size() > kMaxEvents) {
    const auto beyond = events.size() - kMaxEvents;
    events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(beyond));
    forgotten.events += beyond;
  }
  const auto& epochs = record.epochs();
  if (epochs.size() <= kMaxEpochs) return;
  const auto first_kept = std::prev(epochs.end(), static_cast<std::ptrdiff_t>(kMaxEpochs));
  for (auto epoch = epochs.begin(); epoch != first_kept; ++epoch) {
    ++forgotten.epochs;
    for (const auto& [index, window] : epoch->second.windows)
      for (std::size_t arm = 0; arm < window.size(); ++arm)
        if (arm != control) forgotten.candidate_requests += window[arm].analysed.requests + window[arm].rest.requests;
  }
  record.forget_before(first_kept->first);
}

}  // namespace tandem::report
