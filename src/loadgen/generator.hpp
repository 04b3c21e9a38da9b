// An open-loop load on one server: requests are due at moments fixed before the first of them, whatever the server does. One
// that is due while all connections are busy waits in a queue, and its latency counts from the moment it was due
// (experiments.md §10). One thread, the caller's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "comparison/answer.hpp"
#include "loadgen/block.hpp"
#include "loadgen/request_list.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/target.hpp"

namespace tandem::loadgen {

// A request as it goes over the wire, and what is expected of its answer.
struct WireRequest {
  std::string bytes;
  bool is_head = false;
  bool is_repeatable = true;  // may be sent again when a kept connection was closed under it (RFC 9110 §9.2.2)
  int status = 0;             // expected; 0: any below 400
  bool has_body = false;      // `body` is expected, byte for byte
  std::string body;
};

// `fields` are added to the request's own: a pin, a token.
WireRequest make_wire_request(const PlannedRequest& request, const std::string& host,
                              const std::vector<std::pair<std::string, std::string>>& fields);

// One request on a connection of its own, its whole answer. Blocks.
Result<comparison::Answer> fetch(const Address& address, const WireRequest& request, Nanoseconds timeout);

struct Load {
  double rate = 100;  // requests a second
  Arrivals arrivals = Arrivals::poisson;
  std::uint64_t seed = 1;
  Nanoseconds washout{0};  // at first: sent, not counted
  Nanoseconds duration{0};
  Nanoseconds timeout{10'000'000'000};  // of one request from the moment it is sent, and of the whole drain at the end
  std::size_t first_request = 0;        // which one is sent first; the others follow in turn
  std::function<void()> tick;           // called every now and then meanwhile; has to be quick. May be empty
};

class Generator {
 public:
  // `requests` (not empty) are sent in turn, on `connections` > 0 kept ones. They must outlive the generator.
  Generator(Address address, const std::vector<WireRequest>& requests, std::size_t connections);
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) = delete;
  ~Generator();

  // Opens the connections that are not open. Errors: nobody listens there.
  Result<void> connect();

  // Runs one block, on connections that the server has not closed meanwhile; the caller fills in what the generator can't
  // know. `stop` ends it soon, with what there is.
  Block run(const Load& load, const std::atomic<bool>& stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::loadgen
