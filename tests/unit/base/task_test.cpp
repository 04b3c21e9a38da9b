#include "base/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "base/task_group.hpp"

namespace tandem {
namespace {

// Suspends until somebody calls fire().
struct Gate {
  std::coroutine_handle<> waiter;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiter = handle; }
  void await_resume() const noexcept {}
  void fire() { std::exchange(waiter, {}).resume(); }
};

Task<std::string> word(Gate& gate, std::string text) {
  co_await gate;
  co_return text;
}

Task<std::string> fail() {
  throw std::runtime_error("broken");
  co_return "";
}

Task<void> collect(Gate& gate, std::string& out) {
  auto first = word(gate, "a");
  out += co_await first;
  try {
    auto second = fail();
    out += co_await second;
  } catch (const std::runtime_error& error) {
    out += error.what();
  }
}

TEST(Task, ResumesItsAwaiterWithValueOrException) {
  Gate gate;
  std::string out;
  TaskGroup group;
  int emptied = 0;
  group.on_empty([&] { ++emptied; });
  group.spawn(collect(gate, out));
  EXPECT_EQ(group.size(), 1u);
  EXPECT_EQ(out, "");
  gate.fire();
  EXPECT_EQ(out, "abroken");
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(emptied, 1);
}

TEST(Task, DestroyedBeforeItIsAwaitedRunsNothing) {
  Gate gate;
  { auto task = word(gate, "never"); }
  EXPECT_FALSE(gate.waiter);
}

}  // namespace
}  // namespace tandem
