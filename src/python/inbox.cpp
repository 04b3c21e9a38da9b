#include "python/inbox.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tandem::python {
namespace {
constexpr std::size_t kReadBytes = 64 * 1024;
// Revoked ids that are remembered in case they are still on their way. They overtake a request by microseconds.
constexpr std::size_t kEarlyIds = 1024;
}  // namespace

Inbox::Inbox(std::vector<int> lanes, std::vector<bool> streamed, bool notes_touched)
    : streamed_(std::move(streamed)), notes_touched_(notes_touched) {
  for (int socket : lanes) lanes_.push_back({socket, {}, false});
}

Inbox::ReadStatus Inbox::read(std::size_t index, std::vector<std::uint64_t>& taken_back) {
  const std::lock_guard lock(mutex_);
  auto& lane = lanes_[index];
  while (!lane.closed) {
    char* room = lane.reader.prepare(kReadBytes);
    const auto size = lane.reader.room();
    const auto received = ::recv(lane.socket, room, size, MSG_DONTWAIT);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (received <= 0) {
      lane.closed = true;
      break;
    }
    lane.reader.commit(static_cast<std::size_t>(received));
    frames::Reader::Frame frame;
    auto status = lane.reader.next(frame);
    for (; status == frames::Reader::Status::frame; status = lane.reader.next(frame))
      if (!accept(static_cast<unsigned>(index), frame, taken_back)) return ReadStatus::malformed;
    if (status == frames::Reader::Status::malformed) return ReadStatus::malformed;
    // A Unix stream socket fills the whole room while it has bytes: a short read has emptied it.
    if (static_cast<std::size_t>(received) < size) break;
  }
  return lane.closed ? ReadStatus::closed : ReadStatus::open;
}

bool Inbox::accept(unsigned lane, const frames::Reader::Frame& frame, std::vector<std::uint64_t>& taken_back) {
  const auto id = frame.header.id;
  const bool end = (frame.header.flags & frames::kEnd) != 0;
  switch (frame.header.type) {
    case frames::Type::request_head: {
      auto exchange = std::make_shared<Exchange>();
      exchange->id = id;
      exchange->lane = lane;
      exchange->payload.assign(frame.payload);
      exchange->body_ended = end;
      if (!exchange->parse() || exchange->head.endpoint >= streamed_.size()) return false;
      exchange->streamed = streamed_[exchange->head.endpoint];
      if (!early_.empty() && early_.erase(id) > 0) {
        taken_back.push_back(id);
        return true;
      }
      const bool complete = end || exchange->streamed;
      const auto [place, inserted] = entries_.try_emplace(id, Entry{exchange, false, complete});
      if (!inserted) return false;
      if (complete) waiting_.push_back(std::move(exchange));
      return true;
    }
    case frames::Type::request_body: {
      const auto found = entries_.find(id);
      if (found == entries_.end()) return true;  // of a request that has ended without reading its body
      auto& entry = found->second;
      if (entry.exchange->body_ended) return false;
      if (!frame.payload.empty()) entry.exchange->pieces.emplace_back(frame.payload);
      entry.exchange->body_ended = end;
      if (end && !entry.complete) {
        entry.complete = true;
        waiting_.push_back(entry.exchange);
      }
      touch(entry);
      return true;
    }
    case frames::Type::credit: {
      auto payload = frame.payload;
      std::uint32_t granted = 0;
      if (!frames::take(payload, granted)) return false;
      const auto found = entries_.find(id);
      if (found == entries_.end()) return true;
      found->second.exchange->credit += granted;
      touch(found->second);
      return true;
    }
    case frames::Type::message: {
      const auto found = entries_.find(id);
      if (found == entries_.end()) return true;
      auto& messages = found->second.exchange->messages;
      if (messages.empty() || messages.back().complete) messages.emplace_back();
      messages.back().bytes.append(frame.payload);
      messages.back().text = (frame.header.flags & frames::kText) != 0;
      messages.back().complete = end;
      touch(found->second);
      return true;
    }
    case frames::Type::close: {
      auto payload = frame.payload;
      frames::Close close;
      if (!frames::take(payload, close)) return false;
      const auto found = entries_.find(id);
      if (found == entries_.end()) return true;
      found->second.exchange->closing = Closing{close.code, std::string(payload)};
      touch(found->second);
      return true;
    }
    default:
      return false;
  }
}

ExchangePtr Inbox::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  auto exchange = std::move(waiting_.front());
  waiting_.pop_front();
  entries_.find(exchange->id)->second.started = true;
  return exchange;
}

void Inbox::close(std::size_t lane) {
  const std::lock_guard lock(mutex_);
  lanes_[lane].closed = true;
}

bool Inbox::all_closed() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.closed; });
}

void Inbox::finish(Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  exchange.over = true;
  entries_.erase(exchange.id);
}

bool Inbox::has_waiting() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

bool Inbox::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

Inbox::Found Inbox::find_and_remove(std::uint64_t id, Entry** entry) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    if (early_.insert(id).second) early_in_order_.push_back(id);
    if (early_in_order_.size() > kEarlyIds) {
      early_.erase(early_in_order_.front());
      early_in_order_.pop_front();
    }
    return Found::unknown;
  }
  if (found->second.started) {
    *entry = &found->second;
    return Found::started;
  }
  const auto waiting = std::find(waiting_.begin(), waiting_.end(), found->second.exchange);
  if (waiting != waiting_.end()) waiting_.erase(waiting);
  entries_.erase(found);
  return Found::taken_back;
}

Inbox::Found Inbox::revoke(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  Entry* entry = nullptr;
  return find_and_remove(id, &entry);
}

Inbox::Found Inbox::cancel(std::uint64_t id, frames::CancelReason reason) {
  const std::lock_guard lock(mutex_);
  Entry* entry = nullptr;
  const auto found = find_and_remove(id, &entry);
  if (entry != nullptr) {
    if (reason == frames::CancelReason::out_of_time) entry->exchange->out_of_time = true;
    entry->exchange->cancelled = true;
    touch(*entry);
  }
  return found;
}

void Inbox::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) {
    entry.exchange->out_of_time = true;
    entry.exchange->cancelled = true;
    touch(entry);
  }
}

bool Inbox::tell(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.started) return false;
  return found->second.exchange->cancelled && !found->second.exchange->told.exchange(true);
}

std::optional<std::string> Inbox::take_piece(Exchange& exchange) {
  if (!exchange.first_taken) {
    exchange.first_taken = true;
    if (!exchange.first_body.empty()) return std::string(exchange.first_body);
  }
  const std::lock_guard lock(mutex_);
  if (exchange.next_piece < exchange.pieces.size()) {
    std::string piece = std::move(exchange.pieces[exchange.next_piece++]);
    if (exchange.next_piece == exchange.pieces.size()) {
      exchange.pieces.clear();
      exchange.next_piece = 0;
    }
    return piece;
  }
  if (exchange.body_ended) return std::string();
  return std::nullopt;
}

bool Inbox::is_body_taken(const Exchange& exchange) const {
  const std::lock_guard lock(mutex_);
  return exchange.body_ended && exchange.first_taken && exchange.next_piece == exchange.pieces.size();
}

bool Inbox::has_piece(const Exchange& exchange) const {
  const std::lock_guard lock(mutex_);
  return exchange.next_piece < exchange.pieces.size() || exchange.body_ended;
}

std::optional<Message> Inbox::take_message(Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  if (exchange.messages.empty() || !exchange.messages.front().complete) return std::nullopt;
  auto message = std::move(exchange.messages.front());
  exchange.messages.pop_front();
  return message;
}

bool Inbox::has_message(const Exchange& exchange) const {
  const std::lock_guard lock(mutex_);
  return !exchange.messages.empty() && exchange.messages.front().complete;
}

std::optional<Closing> Inbox::closing(const Exchange& exchange) const {
  const std::lock_guard lock(mutex_);
  return exchange.closing;
}

std::size_t Inbox::take_ungranted(Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  if (exchange.messages.empty() || exchange.messages.back().complete) return 0;
  auto& message = exchange.messages.back();
  return message.bytes.size() - std::exchange(message.granted, message.bytes.size());
}

std::uint64_t Inbox::take_credit(Exchange& exchange, std::uint64_t wanted) {
  const std::lock_guard lock(mutex_);
  const auto granted = std::min(wanted, exchange.credit);
  exchange.credit -= granted;
  return granted;
}

bool Inbox::has_credit(const Exchange& exchange) const {
  const std::lock_guard lock(mutex_);
  return exchange.credit > 0;
}

void Inbox::take_touched(std::vector<ExchangePtr>& touched) {
  const std::lock_guard lock(mutex_);
  touched.clear();
  touched.swap(touched_);
}

}  // namespace tandem::python
