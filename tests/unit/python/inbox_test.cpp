#include "python/inbox.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace tandem::python {
namespace {

std::string head_frame(std::uint64_t id, std::uint16_t endpoint, std::uint8_t flags, std::string_view body = {}) {
  frames::RequestHead head;
  head.endpoint = endpoint;
  std::string payload(frames::bytes_of(head));
  payload.append(body);
  std::string out;
  frames::append_frame(out, frames::Type::request_head, flags, id, payload);
  return out;
}

std::string body_frame(std::uint64_t id, std::string_view body, std::uint8_t flags) {
  std::string out;
  frames::append_frame(out, frames::Type::request_body, flags, id, body);
  return out;
}

class InboxTest : public testing::Test {
 protected:
  InboxTest() {
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_);
    inbox_.emplace(std::vector<int>{ends_[1]}, std::vector<bool>{false, true}, true);
  }
  ~InboxTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Inbox::ReadStatus receive(const std::string& bytes) {
    EXPECT_EQ(::send(ends_[0], bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return inbox_->read(0, taken_back_);
  }

  int ends_[2];
  std::optional<Inbox> inbox_;
  std::vector<std::uint64_t> taken_back_;
};

TEST_F(InboxTest, HandsOutWhatCameInOrder) {
  receive(head_frame(7, 0, frames::kEnd, "a") + head_frame(3, 0, frames::kEnd));
  EXPECT_EQ(inbox_->take()->id, 7u);
  EXPECT_EQ(inbox_->take()->id, 3u);
  EXPECT_EQ(inbox_->take(), nullptr);
  EXPECT_FALSE(inbox_->empty());
}

TEST_F(InboxTest, TakesFramesByteByByte) {
  const auto bytes = head_frame(1, 0, 0, "one ") + body_frame(1, "two", frames::kEnd);
  for (const char byte : bytes) {
    EXPECT_FALSE(inbox_->has_waiting());
    receive(std::string(1, byte));
  }
  const auto exchange = inbox_->take();
  ASSERT_NE(exchange, nullptr);
  EXPECT_EQ(inbox_->take_piece(*exchange), "one ");
  EXPECT_EQ(inbox_->take_piece(*exchange), "two");
  EXPECT_EQ(inbox_->take_piece(*exchange), "");
}

TEST_F(InboxTest, AStreamedRequestStartsBeforeItsBodyIsHere) {
  receive(head_frame(1, 1, 0));
  const auto exchange = inbox_->take();
  ASSERT_NE(exchange, nullptr);
  EXPECT_EQ(inbox_->take_piece(*exchange), std::nullopt);
  receive(body_frame(1, "x", frames::kEnd));
  std::vector<ExchangePtr> touched;
  inbox_->take_touched(touched);
  EXPECT_EQ(touched, std::vector<ExchangePtr>{exchange});
  EXPECT_EQ(inbox_->take_piece(*exchange), "x");
  EXPECT_EQ(inbox_->take_piece(*exchange), "");
}

TEST_F(InboxTest, GivesBackWhatWaitsAndNothingElse) {
  receive(head_frame(1, 0, frames::kEnd) + head_frame(2, 0, frames::kEnd) + head_frame(3, 0, 0));
  const auto started = inbox_->take();
  EXPECT_EQ(inbox_->revoke(1), Inbox::Found::started);
  EXPECT_FALSE(started->cancelled);
  EXPECT_EQ(inbox_->revoke(2), Inbox::Found::taken_back);
  EXPECT_EQ(inbox_->revoke(3), Inbox::Found::taken_back);  // its body was not complete
  EXPECT_EQ(inbox_->take(), nullptr);
  EXPECT_EQ(inbox_->cancel(1, frames::CancelReason::out_of_time), Inbox::Found::started);
  EXPECT_TRUE(started->cancelled);
  EXPECT_TRUE(started->out_of_time);
  EXPECT_TRUE(inbox_->tell(1));
  EXPECT_FALSE(inbox_->tell(1));
  inbox_->finish(*started);
  EXPECT_TRUE(inbox_->empty());
}

TEST_F(InboxTest, ARevokeMayOvertakeItsRequest) {
  EXPECT_EQ(inbox_->revoke(1), Inbox::Found::unknown);
  receive(head_frame(1, 0, frames::kEnd));
  EXPECT_EQ(taken_back_, std::vector<std::uint64_t>{1});
  EXPECT_TRUE(inbox_->empty());
}

TEST_F(InboxTest, OnlyTheLatestOfThoseThatNeverComeAreRemembered) {
  constexpr std::uint64_t kMany = 3000;
  for (std::uint64_t id = 1; id <= kMany; ++id) inbox_->revoke(id);
  receive(head_frame(kMany, 0, frames::kEnd) + head_frame(1, 0, frames::kEnd));
  EXPECT_EQ(taken_back_, std::vector<std::uint64_t>{kMany});
  EXPECT_EQ(inbox_->take()->id, 1u);
}

TEST_F(InboxTest, CreditIsSpentAndGranted) {
  receive(head_frame(1, 0, frames::kEnd));
  const auto exchange = inbox_->take();
  EXPECT_EQ(inbox_->take_credit(*exchange, 10), 10u);
  EXPECT_EQ(inbox_->take_credit(*exchange, frames::kInitialCredit), frames::kInitialCredit - 10);
  EXPECT_EQ(inbox_->take_credit(*exchange, 1), 0u);
  std::string grant;
  frames::append_u32(grant, frames::Type::credit, 1, 5);
  receive(grant);
  EXPECT_EQ(inbox_->take_credit(*exchange, 100), 5u);
}

TEST_F(InboxTest, PutsMessagesTogether) {
  receive(head_frame(1, 0, frames::kEnd));
  const auto exchange = inbox_->take();
  std::string some;
  frames::append_frame(some, frames::Type::message, frames::kText, 1, "He");
  receive(some);
  EXPECT_FALSE(inbox_->has_message(*exchange));
  EXPECT_EQ(inbox_->take_ungranted(*exchange), 2u);
  EXPECT_EQ(inbox_->take_ungranted(*exchange), 0u);
  std::string rest;
  frames::append_frame(rest, frames::Type::message, frames::kText | frames::kEnd, 1, "llo");
  frames::append_frame(rest, frames::Type::message, frames::kEnd, 1, std::string_view("\0", 1));
  receive(rest);
  EXPECT_EQ(inbox_->take_ungranted(*exchange), 0u);
  const auto first = inbox_->take_message(*exchange);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes, "Hello");
  EXPECT_TRUE(first->text);
  EXPECT_EQ(first->bytes.size() - first->granted, 3u);
  const auto second = inbox_->take_message(*exchange);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->text);
  EXPECT_FALSE(inbox_->take_message(*exchange));
  EXPECT_FALSE(inbox_->closing(*exchange));
  const frames::Close close{1001, {}};
  std::string end;
  frames::append_frame(end, frames::Type::close, 0, 1, std::string(frames::bytes_of(close)) + "bye");
  receive(end);
  const auto closing = inbox_->closing(*exchange);
  ASSERT_TRUE(closing);
  EXPECT_EQ(closing->code, 1001);
  EXPECT_EQ(closing->reason, "bye");
}

TEST_F(InboxTest, RefusesWhatIsMalformed) {
  EXPECT_EQ(receive(head_frame(1, 9, frames::kEnd)), Inbox::ReadStatus::malformed);  // no such endpoint
  EXPECT_EQ(receive(std::string(64, '\xff')), Inbox::ReadStatus::malformed);
}

TEST_F(InboxTest, SeesTheEnd) {
  ::shutdown(ends_[0], SHUT_WR);
  EXPECT_EQ(inbox_->read(0, taken_back_), Inbox::ReadStatus::closed);
  EXPECT_TRUE(inbox_->all_closed());
}

}  // namespace
}  // namespace tandem::python
