// How often the statistics of an experiment say something wrong, and how soon they say what is right, on made-up traffic.
// ./tandem-dev simulate prints the tables of docs/statistics.md. Every run has a seed of its own: the tables are the same
// each time.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "simulate/guardrail.hpp"
#include "simulate/judge.hpp"
#include "simulate/product.hpp"

namespace tandem::simulate {
namespace {

std::uint64_t seed_of(std::size_t scenario, std::size_t run) {  // splitmix64: neighbours have nothing in common
  std::uint64_t x = (scenario + 1) * 0x9E3779B97F4A7C15 + run * 0xD1B54A32D192ED03;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// Calls run(0) … run(runs − 1) on all CPUs; the answers in order.
template <class Answer>
std::vector<Answer> in_parallel(std::size_t runs, const std::function<Answer(std::size_t)>& run) {
  std::vector<Answer> answers(runs);
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&] {
      for (std::size_t mine = next++; mine < runs; mine = next++) answers[mine] = run(mine);
    });
  threads.clear();
  return answers;
}

std::string percent(std::size_t part, std::size_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

// "12 (20)": the median and the value that nine in ten do not exceed, of all runs; "–" where so many never came there.
std::string waiting_time(std::vector<unsigned> times, std::size_t runs) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(runs)));
    return rank <= times.size() ? std::to_string(times[rank - 1]) : "–";
  };
  return at(0.5) + " (" + at(0.9) + ")";
}

const Model kIndependent{.name = "independent"};
const Model kStalls{.name = "stalls, drift", .drift = 0.2, .stall_every = 60, .stall_seconds = 0.5};
const Model kUsers{.name = "heavy users", .users = 5000, .pareto = 1.3, .user_sigma = 0.5};
const Model kRamp{.name = "ramp", .windows = 240, .drift = 0.2, .ramp = {0.01, 0.05, 0.25, 0.5}};

Model with_name(Model model, const char* name) {
  model.name = name;
  return model;
}

std::vector<Model> traffics() {
  Model bursts = with_name(kStalls, "error bursts");
  bursts.stall_seconds = 1.5;
  bursts.stall_errors = 0.5;
  Model wide = with_name(kStalls, "the same, 30 s windows");
  wide.window_seconds = 30;
  wide.windows = 60;
  return {kIndependent, kStalls, wide, bursts, kUsers, kRamp};
}

struct Effect {
  const char* name;
  double scale = 1, tail = 1, errors = 1;
  std::vector<Question> questions;
};

const std::vector<Effect>& effects() {
  static const std::vector<Effect> list{
      {"p99 + 20 % (the slowest twentieth)", 1, 1.2, 1, {Question::p99, Question::mean}},
      {"everything + 20 %", 1.2, 1, 1, {Question::mean, Question::p50, Question::p99}},
      {"everything + 5 %", 1.05, 1, 1, {Question::mean, Question::p50, Question::p99}},
      {"p99 + 60 %", 1, 1.6, 1, {Question::p99, Question::guard_p99}},
      {"errors 0.5 % → 1 %", 1, 1, 2, {Question::errors, Question::guard_errors}},
      {"errors 0.5 % → 5 %", 1, 1, 10, {Question::errors, Question::guard_errors}},
  };
  return list;
}

class Tables {
 public:
  explicit Tables(std::size_t runs) : runs_(runs) {}

  void false_alarms() {
    const auto models = traffics();
    std::vector<std::vector<Findings>> all;
    for (const auto& model : models) all.push_back(judged(model, runs_));
    std::printf(
        "\nFalse alarms: share of %zu runs in which two equal arms were called better or worse at some look.\n\n| verdict |",
        runs_);
    for (const auto& model : models) std::printf(" %s |", model.name.c_str());
    std::printf("\n| --- |");
    for (std::size_t i = 0; i < models.size(); ++i) std::printf(" ---: |");
    std::printf("\n");
    for (std::size_t q = 0; q < kQuestions; ++q) {
      std::printf("| %s |", std::string(text_of(static_cast<Question>(q))).c_str());
      for (const auto& findings : all) {
        const auto alarms = std::count_if(findings.begin(), findings.end(), [q](const Findings& run) {
          return run[q].better.has_value() || run[q].worse.has_value();
        });
        std::printf(" %s |", percent(static_cast<std::size_t>(alarms), runs_).c_str());
      }
      std::printf("\n");
    }
    for (const auto question : {Question::mean, Question::p50, Question::p99}) {
      std::printf("| \"equivalent\" in the end: %s |", std::string(text_of(question)).c_str());
      for (const auto& findings : all) {
        const auto equivalent = std::count_if(findings.begin(), findings.end(), [&](const Findings& run) {
          return run[static_cast<std::size_t>(question)].is_equivalent;
        });
        std::printf(" %s |", percent(static_cast<std::size_t>(equivalent), runs_).c_str());
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }

  void detection() {
    const std::size_t runs = std::max<std::size_t>(runs_ / 4, 20);
    std::printf(
        "\nDetection: share of %zu runs that said \"worse\" (a guardrail: fired), and the minutes until half (nine in ten) "
        "had.\n\n",
        runs);
    std::printf(
        "| candidate | verdict | independent | minutes | stalls, drift | minutes | heavy users | minutes |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (const auto& effect : effects()) {
      std::vector<std::vector<Findings>> all;
      for (Model model : {kIndependent, kStalls, kUsers}) {
        model.candidate_scale = effect.scale;
        model.candidate_tail = effect.tail;
        model.candidate_errors = effect.errors;
        all.push_back(judged(model, runs));
      }
      for (const auto question : effect.questions) {
        std::printf("| %s | %s |", effect.name, std::string(text_of(question)).c_str());
        for (const auto& findings : all) {
          std::vector<unsigned> minutes;
          for (const auto& run : findings)
            if (const auto& worse = run[static_cast<std::size_t>(question)].worse)
              minutes.push_back((*worse * 10 + 59) / 60);
          std::printf(" %s | %s |", percent(minutes.size(), runs).c_str(), waiting_time(minutes, runs).c_str());
        }
        std::printf("\n");
      }
      std::fflush(stdout);
    }
  }

  void guardrails() {
    const std::size_t runs = runs_ * 4;
    std::printf("\nGuardrail on errors: 200 requests/s, base rate 0.5 %%, α 0.01, looked at every second; %zu runs.\n\n",
                runs);
    std::printf(
        "| candidate | share | seconds, median (nine in ten) | within 20 s | 40 s | 120 s |\n| --- | ---: | ---: | ---: | "
        "---: | ---: |\n");
    for (const auto& [factor, share] :
         {std::pair(1.0, 0.01), {1.0, 0.5}, {2.0, 0.05}, {10.0, 0.01}, {10.0, 0.05}, {50.0, 0.01}, {100.0, 0.01}}) {
      Incident incident;
      incident.factor = factor;
      incident.share = share;
      const auto scenario = ++scenario_;
      const auto times = in_parallel<std::optional<unsigned>>(
          runs, [&](std::size_t run) { return seconds_to_rollback(incident, seed_of(scenario, run)); });
      std::vector<unsigned> fired;
      for (const auto& time : times)
        if (time) fired.push_back(*time);
      const auto within = [&](unsigned limit) {
        return percent(
            static_cast<std::size_t>(std::count_if(fired.begin(), fired.end(), [&](auto time) { return time <= limit; })),
            runs);
      };
      if (factor == 1)
        std::printf("| no different | %g %% | fires in %s within %u s | %s | %s | %s |\n", share * 100,
                    percent(fired.size(), runs).c_str(), incident.seconds, within(20).c_str(), within(40).c_str(),
                    within(120).c_str());
      else
        std::printf("| %g × the errors | %g %% | %s | %s | %s | %s |\n", factor, share * 100,
                    waiting_time(fired, runs).c_str(), within(20).c_str(), within(40).c_str(), within(120).c_str());
    }
    std::fflush(stdout);
  }

  void product() {
    const std::size_t runs = std::max<std::size_t>(runs_ / 5, 20);
    Model whole_ramp = with_name(kRamp, "ramp to 100 %");
    whole_ramp.ramp = {0.01, 0.05, 0.25, 0.5, 0.7, 1};
    Model rare = with_name(kIndependent, "an error in 20,000");
    rare.error_rate = 0.00005;
    Model slow = with_name(kIndependent, "everything + 20 %, errors × 2");
    slow.candidate_scale = 1.2;
    slow.candidate_errors = 2;
    const std::vector<Model> models{kIndependent, kStalls, kUsers, whole_ramp, rare, slow};
    std::vector<std::vector<Told>> all;
    for (const auto& model : models) {
      const auto scenario = ++scenario_;
      all.push_back(
          in_parallel<Told>(runs, [&](std::size_t run) { return ask_the_product(model, seed_of(scenario, run)); }));
    }
    std::printf("\nThe server's own report and guardrails, %zu runs each; equal arms but for the last column.\n\n| told |",
                runs);
    for (const auto& model : models) std::printf(" %s |", model.name.c_str());
    std::printf("\n| --- |");
    for (std::size_t i = 0; i < models.size(); ++i) std::printf(" ---: |");
    const auto row = [&](const std::string& name, const std::function<bool(const Told&)>& is_told) {
      std::printf("\n| %s |", name.c_str());
      for (const auto& told : all)
        std::printf(" %s |",
                    percent(static_cast<std::size_t>(std::count_if(told.begin(), told.end(), is_told)), runs).c_str());
    };
    for (std::size_t metric = 0; metric < kMetrics; ++metric)
      row(std::string(report::name_of(static_cast<report::Metric>(metric))) + " better or worse",
          [metric](const Told& told) { return told.differs[metric]; });
    row("one of them at least", [](const Told& told) { return told.any; });
    row("a guardrail rolls back or holds", [](const Told& told) { return told.has_fired; });
    row("invalid at some look", [](const Told& told) { return told.was_invalid; });
    row("judged in the end", [](const Told& told) { return told.is_judged; });
    std::printf("\n");
    std::fflush(stdout);
  }

  void shadows() {
    const Shadows model;
    const auto scenario = ++scenario_;
    const auto runs =
        in_parallel<ShadowAlarms>(runs_, [&](std::size_t run) { return watch_shadows(model, seed_of(scenario, run)); });
    const auto share = [&](bool ShadowAlarms::*what) {
      return percent(
          static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const auto& run) { return run.*what; })),
          runs_);
    };
    std::printf(
        "\nShadows: %u pairs of which %g %% mismatch, α 0.05, %zu runs. The interval of the mismatch rate excluded the true "
        "rate at some\n"
        "look: %s. Noise in triples was blamed on the candidate: %s.\n",
        model.pairs, model.mismatch_rate * 100, runs_, share(&ShadowAlarms::bound_excluded_rate).c_str(),
        share(&ShadowAlarms::noise_was_blamed).c_str());
  }

 private:
  std::vector<Findings> judged(const Model& model, std::size_t runs) {
    const auto scenario = ++scenario_;
    return in_parallel<Findings>(runs, [&](std::size_t run) { return judge(model, seed_of(scenario, run)); });
  }

  std::size_t runs_;
  std::size_t scenario_ = 0;
};

}  // namespace
}  // namespace tandem::simulate

int main(int argc, char** argv) {
  std::size_t runs = 1000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      runs = 100;
    } else if (std::strcmp(argv[i], "--runs") == 0 && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      runs = static_cast<std::size_t>(std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr, "usage: simulate [--quick | --runs N]\n");
      return 2;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  tandem::simulate::Tables tables(runs);
  tables.false_alarms();
  tables.detection();
  tables.guardrails();
  tables.shadows();
  tables.product();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::fprintf(stderr, "%.0f s\n", took.count());
}
