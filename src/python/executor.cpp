#include "python/executor.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace tandem::python {
namespace {
// Body bytes taken by an endpoint until the front is told that it may send more.
constexpr std::uint64_t kCreditStep = frames::kInitialCredit / 4;
}  // namespace

Executor::Executor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed,
                   bool notes_touched)
    : program_(program),
      control_(control),
      lanes_(std::move(lanes)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      inbox_(lanes_, std::move(streamed), notes_touched) {
  for (int lane : lanes_) outboxes_.emplace_back(lane);
}

Executor::~Executor() { ::close(wake_); }

void Executor::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof(one));  // full: it is awake then
}

void Executor::clear_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(wake_, &count, sizeof(count));
}

void Executor::drain() {
  draining_ = true;
  wake();
}

bool Executor::read_lane(std::size_t lane) {
  std::vector<std::uint64_t> taken_back;
  const auto status = inbox_.read(lane, taken_back);
  for (auto id : taken_back) control_.send(frames::Type::revoked, id);
  if (status == Inbox::ReadStatus::open) return true;
  if (status == Inbox::ReadStatus::malformed) {
    inbox_.close(lane);
    control_.log(5, "tandem", "protocol error: a malformed frame on a lane, which is closed");
  }
  return false;
}

void Executor::read_ahead() {
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) read_lane(lane);
  if (inbox_.has_waiting()) wake();
}

void Executor::grant(Exchange& exchange, std::size_t bytes) {
  if (!exchange.streamed) return;
  exchange.consumed += bytes;
  if (exchange.consumed < kCreditStep) return;
  frames::append_u32(outboxes_[exchange.lane].out(), frames::Type::request_credit, exchange.id,
                     static_cast<std::uint32_t>(exchange.consumed));
  exchange.consumed = 0;
}

void Executor::flush_all() {
  for (auto& outbox : outboxes_) {
    while (!outbox.empty() && !outbox.flush()) {
      pollfd wait{outbox.socket(), POLLOUT, 0};
      ::poll(&wait, 1, -1);
    }
  }
}

}  // namespace tandem::python
