#include "steering/steering.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <future>

#include "unit/steering/settings.hpp"
#include "unit/steering/temporary_folder.hpp"

namespace tandem::steering {
namespace {

// A server's experiments without a server: nobody asks anything of them but the admin side.
class SteeringTest : public ::testing::Test {
 protected:
  ~SteeringTest() override { stop(); }

  void start() {
    steering = std::make_unique<Steering>((folder / "state").string(), std::vector<Loop*>(), clock,
                                          [this](WriteStep step) { return step == failing.load() ? EIO : 0; });
    steering->start();
  }
  void stop() {
    if (steering) steering->stop();
    steering.reset();
  }
  void adopt(const std::shared_ptr<experiment::Experiment>& one) {
    steering->adopt({{one, settings, {"native", "python"}}});
  }
  void serve() { adopt(steering->prepare(settings)); }

  http::Response ask(Question::Kind kind, const std::string& action = "", const std::string& body = "") {
    Question question;
    question.kind = kind;
    question.id = "fib";
    question.action = action;
    question.body = body;
    question.by = "somebody";
    std::promise<http::Response> answered;
    steering->ask(question, [&](http::Response response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }
  Json show() { return Json::parse(ask(Question::Kind::show).body_text()); }
  unsigned change(const std::string& action, const std::string& body) {
    return ask(Question::Kind::change, action, body).status;
  }
  Json on_disk() const { return Json::parse(content_of(folder / "state/experiments/fib.json")); }
  Json last_audit() const {
    const auto text = content_of(folder / "state/audit.jsonl");
    const auto end = text.size() - 1;
    const auto begin = text.rfind('\n', end - 1);
    return Json::parse(text.substr(begin == std::string::npos ? 0 : begin + 1));
  }

  TemporaryFolder folder;
  SystemClock clock;
  std::atomic<std::optional<WriteStep>> failing{std::nullopt};
  experiment::Settings settings = two_arms(1000);
  std::unique_ptr<Steering> steering;
};

TEST_F(SteeringTest, ARollbackWhileAnotherConfigLoadsStays) {
  start();
  serve();
  settings.arms = {{"cpp", 2000}, {"py", 8000}};
  settings.salt = "another";
  const auto next = steering->prepare(settings);  // and its pools begin to start
  ASSERT_EQ(change("rollback", R"({"reason": "wrong answers"})"), 200u);
  adopt(next);
  const auto shown = show();
  EXPECT_EQ(shown["state"], "rolled_back");
  EXPECT_EQ(shown["revision"], 3);
  EXPECT_EQ(next->layout()->state, experiment::State::rolled_back);
  EXPECT_EQ(on_disk()["state"], "rolled_back");
}

// The rename had happened when the directory could not be synchronised: what was refused was on disk.
TEST_F(SteeringTest, ARaiseThatWasRefusedIsNotThereAfterARestart) {
  start();
  serve();
  failing = WriteStep::sync_directory;
  EXPECT_EQ(change("weights", R"({"weights_bp": {"cpp": 6000}, "reason": "more"})"), 503u);
  failing = std::nullopt;
  EXPECT_EQ(show()["revision"], 1);
  EXPECT_EQ(on_disk()["weights_bp"]["cpp"], 1000);
  EXPECT_EQ(on_disk()["revision"], 1);
}

TEST_F(SteeringTest, ARevisionThatTheAuditLogDoesNotKnowIsToldThere) {
  start();
  serve();
  ASSERT_EQ(change("weights", R"({"weights_bp": {"cpp": 500}, "reason": "less"})"), 200u);
  stop();
  // Killed between the two files.
  const auto path = folder / "state/audit.jsonl";
  auto text = content_of(path);
  text.erase(text.rfind('\n', text.size() - 2) + 1);
  std::ofstream(path) << text;

  start();
  serve();
  const auto found = last_audit();
  EXPECT_EQ(found["action"], "found");
  EXPECT_EQ(found["from"], 1);
  EXPECT_EQ(found["to"], 2);
  EXPECT_TRUE(verify_audit(content_of(path)));
  stop();

  start();
  serve();
  EXPECT_EQ(last_audit(), found) << "once is enough";
}

class AnswersTest : public SteeringTest {
 protected:
  // What a server that runs since then has compared so far.
  std::uint64_t compared() {
    const auto state = report::parse_state(ask(Question::Kind::state).body_text());
    EXPECT_TRUE(state) << state.error().message;
    const auto found = state->comparisons.find("cpp");
    return found == state->comparisons.end() ? 0 : found->second.compared();
  }
  void stop_with_mismatches() {
    stop();
    const auto path = folder / "state/experiments/fib.state.json";
    auto state = report::parse_state(content_of(path));
    ASSERT_TRUE(state) << state.error().message;
    for (int i = 0; i < 50; ++i) state->comparisons["cpp"].add(comparison::Outcome::mismatch);
    std::ofstream(path) << report::to_json(*state);
  }
};

TEST_F(AnswersTest, SurviveARestart) {
  start();
  serve();
  stop_with_mismatches();
  start();
  serve();
  EXPECT_EQ(compared(), 50u);
}

TEST_F(AnswersTest, OfOtherRulesAreForgotten) {
  start();
  serve();
  stop_with_mismatches();
  start();
  serve();
  settings.compare.ignore = {"$.generated_at"};
  serve();  // a reload
  EXPECT_EQ(compared(), 0u);

  stop_with_mismatches();
  settings.compare.relative = 1e-9;
  start();
  serve();  // a restart
  EXPECT_EQ(compared(), 0u);
}

TEST_F(AnswersTest, AreForgottenWhenARollbackIsLeft) {
  start();
  serve();
  stop_with_mismatches();
  start();
  serve();
  ASSERT_EQ(change("rollback", R"({"reason": "answers differ"})"), 200u);
  EXPECT_EQ(compared(), 50u) << "what led to it can be looked at";
  ASSERT_EQ(change("resume", R"({"reason": "mended"})"), 200u);
  EXPECT_EQ(compared(), 0u);
}

}  // namespace
}  // namespace tandem::steering
