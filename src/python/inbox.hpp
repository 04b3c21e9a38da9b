// What has come in on one executor's lanes: reads frames, keeps requests that have not been started in order, and hands body
// pieces and credit to those that have. Also the place where a request is taken back.
// Thread: the executor reads and takes; the control thread revokes, for which it reads the lanes itself when the executor is
// busy. Everything is guarded by one mutex; nothing here needs the interpreter.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "frames/frame.hpp"
#include "python/exchange.hpp"

namespace tandem::python {

class Inbox {
 public:
  enum class Found {
    unknown,     // over, or not arrived yet: if it ever comes it is not started
    taken_back,  // was waiting
    started,
  };
  enum class ReadStatus { open, closed, malformed };

  // `lanes`: descriptors, owned by the caller. `streamed[i]`: endpoint i takes its body as it arrives. `notes_touched`: keep
  // what take_touched() gives.
  Inbox(std::vector<int> lanes, std::vector<bool> streamed, bool notes_touched);

  // Receives until the lane's socket is empty. Ids that were revoked before they arrived are appended to `taken_back`.
  ReadStatus read(std::size_t lane, std::vector<std::uint64_t>& taken_back);

  // Nothing more is received on it.
  void close(std::size_t lane);

  // The next request that waits, now started; nullptr when there is none.
  ExchangePtr take();
  void finish(Exchange& exchange);

  bool has_waiting() const;
  // True when no request is waiting, started or only partly here.
  bool empty() const;

  // Gives the request back unless it was started. `read` all lanes before, so that all that was sent is known.
  Found revoke(std::uint64_t id);
  // As revoke; a started one is marked cancelled.
  Found cancel(std::uint64_t id, frames::CancelReason reason);
  void cancel_all();
  // Is it started, cancelled, and had its endpoint not been told? Now it has.
  bool tell(std::uint64_t id);
  // True when no lane is left that anything could come on.
  bool all_closed() const;

  // The next piece of a streamed body: text, an empty one at the end, nothing when it has not come yet.
  std::optional<std::string> take_piece(Exchange& exchange);

  // Nothing more of a streamed body will come, and all of it has been taken.
  bool is_body_taken(const Exchange& exchange) const;
  bool has_piece(const Exchange& exchange) const;

  // The next complete message of a WebSocket, and how the client closed it.
  std::optional<Message> take_message(Exchange& exchange);
  bool has_message(const Exchange& exchange) const;
  std::optional<Closing> closing(const Exchange& exchange) const;
  // Bytes of an incomplete message that credit is owed for; from now on it counts as given.
  std::size_t take_ungranted(Exchange& exchange);

  // Up to `wanted` bytes of the credit that is left.
  std::uint64_t take_credit(Exchange& exchange, std::uint64_t wanted);
  bool has_credit(const Exchange& exchange) const;

  // Started requests for which something came since the last call (body, credit, a message, a cancel), for whoever waits
  // for it.
  void take_touched(std::vector<ExchangePtr>& touched);

 private:
  struct Lane {
    int socket;
    frames::Reader reader;
    bool closed = false;
  };
  struct Entry {
    ExchangePtr exchange;
    bool started = false;
    bool complete = false;  // waits in `waiting_`, or did
  };

  bool accept(unsigned lane, const frames::Reader::Frame& frame, std::vector<std::uint64_t>& taken_back);
  Found find_and_remove(std::uint64_t id, Entry** entry);

  void touch(const Entry& entry) {
    if (notes_touched_ && entry.started) touched_.push_back(entry.exchange);
  }

  const std::vector<bool> streamed_;
  const bool notes_touched_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Lane> lanes_;
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::deque<ExchangePtr> waiting_;
  std::unordered_set<std::uint64_t> early_;   // revoked before they arrived, after they ended, or of another executor
  std::deque<std::uint64_t> early_in_order_;  // they, and some that have arrived since; the oldest are forgotten
  std::vector<ExchangePtr> touched_;
};

}  // namespace tandem::python
