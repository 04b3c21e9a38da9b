#include "measure/experiment_metrics.hpp"

#include <gtest/gtest.h>

namespace tandem::measure {
namespace {

TEST(ExperimentMetrics, NamesWeightsAndTheStateOfEach) {
  EXPECT_EQ(experiment_metrics({{"fib-port", "fib", "paused", {{"py", 9000}, {"c\"pp", 1000}}}}),
            "# HELP tandem_experiment_weight_bp Share of the experiment's keys that the arm has now, in basis points.\n"
            "# TYPE tandem_experiment_weight_bp gauge\n"
            "tandem_experiment_weight_bp{experiment=\"fib-port\",route=\"fib\",arm=\"py\"} 9000\n"
            "tandem_experiment_weight_bp{experiment=\"fib-port\",route=\"fib\",arm=\"c\\\"pp\"} 1000\n"
            "# HELP tandem_experiment_state 1 for the state that the experiment is in, else 0.\n"
            "# TYPE tandem_experiment_state gauge\n"
            "tandem_experiment_state{experiment=\"fib-port\",route=\"fib\",state=\"draft\"} 0\n"
            "tandem_experiment_state{experiment=\"fib-port\",route=\"fib\",state=\"running\"} 0\n"
            "tandem_experiment_state{experiment=\"fib-port\",route=\"fib\",state=\"paused\"} 1\n"
            "tandem_experiment_state{experiment=\"fib-port\",route=\"fib\",state=\"rolled_back\"} 0\n"
            "tandem_experiment_state{experiment=\"fib-port\",route=\"fib\",state=\"concluded\"} 0\n");
  EXPECT_EQ(experiment_metrics({}), "");
}

}  // namespace
}  // namespace tandem::measure
