// Workers as processes: this program started again, which plays a worker when its arguments say so.
#include "pool/worker_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "unit/pool/pool_harness.hpp"

namespace tandem::test {
namespace {

extern "C" void print_stack(int) {
  static constexpr std::string_view kText = "this is the stack\n";
  [[maybe_unused]] const auto written = ::write(2, kText.data(), kText.size());
}

// Number and what it leads to: "socket:[4711]".
std::vector<std::pair<int, std::string>> open_descriptors() {
  std::vector<std::pair<int, std::string>> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    found.emplace_back(std::stoi(entry.path().filename().string()),
                       std::filesystem::read_symlink(entry.path(), gone).string());
  }
  return found;
}

// What the worker's standard output leads to: a pipe has one name for both of its ends.
std::string output_pipe(const std::string& targets) {
  const auto at = targets.find("pipe:");
  return at == std::string::npos ? std::string() : targets.substr(at, targets.find('\n', at) - at);
}

int play_worker(std::size_t lanes) {
  ::signal(SIGUSR2, print_stack);
  FakeWorker::Behaviour behaviour;
  behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    if (request.path == "/die") ::raise(SIGKILL);
    if (request.path == "/stuck") {
      worker.held.push_back(request.id);
    } else if (request.path == "/descriptors") {
      std::string open;
      for (const auto& [number, target] : open_descriptors()) open += target + "\n";
      worker.answer(request.id, open);
    } else {
      worker.answer(request.id, std::to_string(::getpid()));
    }
  };
  std::vector<int> numbers(lanes);
  for (std::size_t i = 0; i < lanes; ++i) numbers[i] = static_cast<int>(4 + i);
  FakeWorker worker(behaviour, 0);
  return worker.run(3, numbers);
}

// Before main(): the arguments "--fd 3 --lanes N" at the end make this process a worker.
const bool is_test = [] {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  const auto count = words.size();
  if (count > 4 && words[count - 4] == "--fd" && words[count - 2] == "--lanes")
    ::_exit(play_worker(std::stoul(words[count - 1])));
  return true;
}();

class ProcessTest : public PoolTest {
 protected:
  ProcessTest() {
    options_.mode = pool::Mode::process;
    program_.executable = "/proc/self/exe";
    program_.arguments = {"worker"};
  }
  std::string pid_of(unsigned loop = 0) { return ask(loop, "greet:sync", "/pid")->get().body; }
};

TEST_F(ProcessTest, RunsInAProcessOfItsOwn) {
  ASSERT_TRUE(is_test);
  start();
  const auto pid = pid_of();
  EXPECT_NE(pid, std::to_string(::getpid()));
  EXPECT_EQ(pid, std::to_string(backend_->workers().at(0).pid));
}

TEST_F(ProcessTest, InheritsNothingButItsSockets) {
  start();
  const auto open = ask(0, "greet:sync", "/descriptors")->get().body;
  EXPECT_GE(std::count(open.begin(), open.end(), '\n'), 8);
  for (const auto& [number, target] : open_descriptors()) {
    if (!target.starts_with("socket:") && !target.starts_with("pipe:")) continue;
    if (!(::fcntl(number, F_GETFD) & FD_CLOEXEC)) continue;  // came from whoever started the tests
    if (target == output_pipe(open)) continue;
    EXPECT_EQ(open.find(target + "\n"), std::string::npos) << target;
  }
}

TEST_F(ProcessTest, IsReplacedWhenKilled) {
  start();
  const auto first = pid_of();
  EXPECT_EQ(ask(0, "greet:sync", "/die")->get().status, 502);
  const auto second = pid_of(1);
  EXPECT_NE(first, second);
  EXPECT_EQ(metric("tandem_python_restarts_total{pool=\"python\",reason=\"died\"}"), "1");
}

TEST_F(ProcessTest, IsReplacedWhenStuckAndAskedForItsStackBefore) {
  options_.stuck_grace = Milliseconds(40);
  start();
  const auto first = pid_of();
  const auto* const hasty = backend_->find_with("greet:sync", Milliseconds(40));
  EXPECT_EQ(ask_handler(0, *hasty, "/stuck")->get().status, 504);
  const auto second = pid_of();
  EXPECT_NE(first, second);
  EXPECT_EQ(metric("tandem_python_restarts_total{pool=\"python\",reason=\"stuck\"}"), "1");
}

TEST_F(ProcessTest, IsReplacedAfterSoManyRequestsWithoutLosingOne) {
  options_.max_requests = 50;
  start();
  const auto first = pid_of();
  for (int changes = 0; changes < 2;) {
    std::vector<std::shared_ptr<Question>> questions;
    for (unsigned i = 0; i < 20; ++i) questions.push_back(ask(i % 2, "greet:sync", "/pid"));
    std::string last;
    for (const auto& question : questions) {
      const auto answer = question->get();
      ASSERT_EQ(answer.status, 200);
      last = answer.body;
    }
    if (last != first) ++changes;
  }
  EXPECT_NE(metric("tandem_python_restarts_total{pool=\"python\",reason=\"max_requests\"}"), "0");
  EXPECT_EQ(metric("tandem_python_restarts_total{pool=\"python\",reason=\"died\"}"), "0");
}

TEST_F(ProcessTest, IsReplacedWhenItHasGrown) {
  options_.max_rss_bytes = 1;
  start();
  const auto first = pid_of();
  while (pid_of() == first) {
  }
  EXPECT_NE(metric("tandem_python_restarts_total{pool=\"python\",reason=\"max_rss\"}"), "0");
}

TEST_F(ProcessTest, AProgramThatIsNotThereIsAnError) {
  program_.executable = "/nonexistent/tandem";
  const auto result = make();
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("/nonexistent/tandem"), std::string::npos);
}

TEST_F(ProcessTest, AProgramThatEndsAtOnceIsAnError) {
  program_.executable = "/bin/false";
  const auto result = make();
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("exit code 1"), std::string::npos);
}

TEST(WorkerProcess, DescribesItsEnd) {
  EXPECT_EQ(pool::format_exit(W_EXITCODE(3, 0)), "exit code 3");
  EXPECT_EQ(pool::format_exit(SIGKILL), "signal 9 (Killed)");
}

TEST(WorkerProcess, ReadsResidentMemory) {
  EXPECT_GT(pool::resident_bytes(::getpid()), 1024u * 1024);
  EXPECT_EQ(pool::resident_bytes(-1), 0u);
}

}  // namespace
}  // namespace tandem::test
