// The Handler that finds the route and hands the request to its Handler; answers 404, 405, 501 and OPTIONS itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "routing/route_table.hpp"

namespace tandem::routing {

class Router final : public service::Handler {
 public:
  Router(std::shared_ptr<const RouteTable> table, unsigned io_threads);

  service::Outcome handle(http::Request& request, service::Call& call) const override;

  // Requests that began with the old table keep it until they end: those that are waited for or still being written hold it
  // in call.table, the others end before their loop does anything else. Thread: any.
  void replace(std::shared_ptr<const RouteTable> table);
  // Lets go of a table that was replaced, which the loop's thread would otherwise keep until its next request. Thread: the
  // loop's.
  void refresh(const Loop& loop) const { current(loop); }

 private:
  // Each I/O thread's own reference, so that a request costs no shared counter: refreshed when the version has moved on.
  struct alignas(64) Seen {
    std::uint64_t version = 0;
    std::shared_ptr<const RouteTable> table;
  };

  const std::shared_ptr<const RouteTable>& current(const Loop& loop) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const RouteTable> table_;  // guarded by mutex_
  std::atomic<std::uint64_t> version_{1};
  mutable std::vector<Seen> seen_;  // by loop index, touched by that thread only
};

}  // namespace tandem::routing
