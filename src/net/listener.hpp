// Accepts clients on one loop and runs a Connection for each, in a group that can be drained.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.hpp"
#include "base/task_group.hpp"
#include "net/connection.hpp"
#include "net/net_options.hpp"

namespace tandem::net {

// A bound, listening socket for each of `count` loops. TCP sockets share the port (SO_REUSEPORT); a Unix socket is one,
// duplicated.
struct Bound {
  std::vector<int> descriptors;
  std::string url;   // "http://127.0.0.1:8080", "unix:/run/tandem.sock"
  std::string path;  // of a Unix socket, to be removed at the end
};

// Errors name the address and the reason: in use, not permitted, not an address of this machine.
Result<Bound> bind_listener(const ListenOptions& options, unsigned count);

// Counters that the listeners of all loops share.
struct ListenerTotals {
  std::atomic<std::int64_t> connections{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};  // over the limit
};

// Thread: the loop's, except the constructor and adopt() before the loop runs.
class Listener {
 public:
  Listener(Loop& loop, const NetOptions& options, const service::Handler& root, const service::Observer* observer,
           ListenerTotals& totals);
  ~Listener();

  ConnectionContext& context() { return context_; }

  // Accepts on that descriptor (of bind_listener) from now on and owns it.
  void adopt(const ListenOptions& options, int descriptor);

  // Takes what the kernel has accepted, closes the listening sockets, lets every connection finish; `done` runs once when
  // the last has ended.
  void drain(std::function<void()> done);
  // Closes the WebSockets of a route table that `table` has replaced.
  void begin_change(const void* table);
  // Ends what drain() left.
  void abort();

 private:
  template <class Protocol>
  struct Door;
  struct DoorBase;

  template <class Socket>
  void admit(Socket socket);
  template <class Socket>
  Task<void> serve(Socket socket, service::Peer peer);

  void enlist(ConnectionBase& connection);
  static void delist(ConnectionBase& connection);

  Loop& loop_;
  ConnectionContext context_;
  ListenerTotals& totals_;
  TaskGroup connections_;
  std::vector<std::unique_ptr<DoorBase>> doors_;
  struct ListHead final : ConnectionBase {
    void begin_drain() override {}
    void begin_change(const void*) override {}
    void abort() override {}
    void write_timed_out() override {}
    void send_interim(std::string_view) override {}
  } list_;
};

}  // namespace tandem::net
