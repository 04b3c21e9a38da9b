// An endpoint of a pool as a Handler. Thread: any I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pool/loop_dispatch.hpp"
#include "pool/pool_options.hpp"
#include "service/handler.hpp"

namespace tandem::pool {

class PoolHandler final : public service::Handler {
 public:
  // `loops` by Loop::index(); they and the options outlive the handler's last call.
  PoolHandler(const std::vector<std::unique_ptr<LoopDispatch>>& loops, std::uint16_t endpoint,
              const EndpointOptions& options, Milliseconds timeout);

  service::Outcome handle(http::Request& request, service::Call& call) const override;
  bool is_backed_up() const override { return loops_.front()->is_backed_up(); }

  service::BackendKind kind() const { return kind_; }
  std::uint16_t endpoint() const { return endpoint_; }
  // What a worker says of it; before the first request.
  void set_interface(std::string_view interface);

 private:
  // Its body goes in one piece with the request: it is here already, or an application's and worth waiting for.
  bool is_short(http::RequestBody& body) const;
  Task<http::Response> answer(http::Request& request, service::Call& call, bool websocket) const;
  Task<http::Response> answer_streamed(http::Request& request, service::Call& call) const;

  const std::vector<std::unique_ptr<LoopDispatch>>& loops_;
  const std::uint16_t endpoint_;
  const bool stream_;
  const bool gathers_;  // waits for a short body, so that a slow client does not hold a worker's thread
  service::BackendKind kind_ = service::BackendKind::python;
  const Milliseconds timeout_;
};

}  // namespace tandem::pool
