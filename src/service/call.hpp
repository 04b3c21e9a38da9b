// Facts about one exchange that are not part of the request: id, times, peer, route, arm, and how to give up. The connection
// owns it; it lives until the answer has been written.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/loop.hpp"

namespace tandem::observe {
class ArmMetrics;
}
namespace tandem::measure {
class Recorder;
}

namespace tandem::service {

enum class BackendKind : std::uint8_t { none, native, python, asgi, wsgi };

class Call;

// Is told once the answer has been handed over, before the call forgets the exchange; on the call's loop.
class AfterAnswer {
 public:
  virtual ~AfterAnswer() = default;
  virtual void answered(const Call& call) = 0;
};

// Something that can be told to give up while a call waits for it: a timer, a request at a worker.
class Cancellable {
 public:
  // The client is gone or the server stops. Ends the wait; runs on the call's loop.
  virtual void cancel() = 0;

 protected:
  ~Cancellable() = default;
};

// Takes interim responses (1xx) while the answer is waited for; on the call's loop.
class InterimResponses {
 public:
  // `lines`: checked "Name: value\r\n".
  virtual void send(int status, std::string_view lines) = 0;

 protected:
  ~InterimResponses() = default;
};

// Where a request came from. One per connection.
struct Peer {
  std::string address;  // "192.0.2.7", "2001:db8::1", "unix"
  std::uint16_t port = 0;
  bool is_loopback = false;     // loopback address or Unix socket
  std::string local_address{};  // where it was accepted; empty for a Unix socket
  std::uint16_t local_port = 0;
};

// How a request of an experiment came to its arm (experiments.md §5.5).
enum class AssignedBy : std::uint8_t { none, hash, pin, switchback, chosen_by_default, fallback, rollback };

// What an experiment has decided about one request, and notes of it until it ends.
struct Trial {
  measure::Recorder* recorder = nullptr;  // null: none, or its statistics leave the request out; outlives the call
  AssignedBy assigned_by = AssignedBy::none;
  std::uint16_t arm = 0;  // index of the arm it was assigned to
  std::uint32_t epoch = 0;
  std::uint32_t cluster = 0;  // hash of the key for the purpose "cluster"
  std::uint32_t shadow = 0;   // the same for "shadow"
  bool has_key = false;       // the key tells clients apart; else each request is one of its own
  bool is_analysed = false;
  bool wants_cpu = false;    // one of those whose CPU time is read
  Nanoseconds cpu_mark{-1};  // thread CPU clock when the piece of a native endpoint that runs now began; -1: none runs
  bool fell_back = false;    // control answered for the candidate, which had `status`
  int status = 0;
};

class Call {
 public:
  Call(Loop& event_loop, const Peer& sender) : loop(event_loop), peer(sender) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Loop& loop;
  const Peer& peer;                      // the other end of the socket
  const Peer* client = &peer;            // whom it speaks for: another one when a trusted proxy says so
  std::optional<Peer> forwarded_client;  // that other one

  TimePoint started{};  // the request's head was complete
  std::array<char, 64> id_bytes{};
  std::uint8_t id_length = 0;
  std::string_view id() const { return {id_bytes.data(), id_length}; }

  // Set by the router and the split; views into the route table, which `table` keeps alive while an endpoint is waited for.
  std::shared_ptr<const void> table;
  std::shared_ptr<void> kept_body;  // a request body that is kept to be read twice
  std::string_view route;           // the route's name, else its path
  std::string_view arm;             // empty on a route without arms
  std::string_view root_path;       // percent-decoded path under which an application is mounted: the beginning of its path
  BackendKind backend = BackendKind::none;
  observe::ArmMetrics* metrics = nullptr;
  Trial trial;
  std::shared_ptr<AfterAnswer> afterwards;
  bool is_shadow = false;   // of a request that was answered already: nobody sees this answer
  bool is_twin = false;     // answer with Tandem-Arm
  bool pin_denied = false;  // answer with Tandem-Override-Status: denied
  bool is_private =
      false;  // on a twin route: no shared cache may keep the answer, since the next client may have another arm
  std::string twin_fields;  // of an experiment, on a twin route: "Name: value\r\n" for each
  bool server_timing = false;
  bool debug = false;

  InterimResponses* interim = nullptr;  // null: the client understands none

  // Measured by the backend, zero where it does not apply.
  Nanoseconds queue_time{0};
  Nanoseconds handler_time{0};
  Nanoseconds gil_time{0};
  Nanoseconds cpu_time{0};
  bool is_cpu_sampled = false;  // the backend measures cpu_time only where the trial wants it

  // The wait in progress, if any. Handlers set it around a suspension and clear it after.
  Cancellable* waiting_for = nullptr;
  bool cancelled = false;

  // Ends the current wait and makes later ones end at once. Runs on the loop.
  void cancel() {
    cancelled = true;
    if (auto* target = std::exchange(waiting_for, nullptr)) target->cancel();
  }

  // Forgets the exchange, keeps loop and peer.
  void clear();
};

}  // namespace tandem::service
