#include "report/state.hpp"

#include <algorithm>
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
  insert_sorted(drift, found);

  verified_since = verified_since == 0 || other.verified_since == 0 ? 0 : std::max(verified_since, other.verified_since);

  // The newer one says how things are now.
  if (other.revision > revision) {
    revision = other.revision;
    state = other.state;
    arms = other.arms;
    guardrails = other.guardrails;
  }
  for (const auto& [candidate, tally] : other.comparisons) comparisons[candidate].merge(tally);
  insert_sorted(events, other.events);
  return {};
}

}  // namespace tandem::report
