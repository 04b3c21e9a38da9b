// A twin route: sends each request to one of its arms, by weight or by the client's pin. (Stickiness, shadows and comparison
// join this room later.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "service/handler.hpp"

namespace tandem::experiment {

// Who may choose an arm with the request field Tandem-Arm.
enum class PinPolicy : std::uint8_t {
  loopback,  // clients on this machine whose request came through no proxy, or who show the token
  token,     // who shows the token
  open,      // anybody
  off,       // nobody
};

struct Arm {
  std::string name;
  double weight = 1;  // share of the sum
  const service::Handler* handler = nullptr;
  observe::ArmMetrics* metrics = nullptr;
};

class SplitHandler final : public service::Handler {
 public:
  // At least one arm with a positive weight. `token` is sent by clients as Tandem-Override; empty: no token is right.
  SplitHandler(std::vector<Arm> arms, PinPolicy policy, std::string token);

  service::Outcome handle(http::Request& request, service::Call& call) const override;

  const std::vector<Arm>& arms() const { return arms_; }

 private:
  const Arm& pick(const http::Request& request, service::Call& call) const;
  bool may_pin(const http::Request& request, const service::Call& call) const;

  std::vector<Arm> arms_;
  std::vector<std::uint64_t> thresholds_;  // cumulative shares of 2^64, one an arm
  std::size_t last_weighted_ = 0;
  PinPolicy policy_;
  std::string token_;
};

// A route without arms: names its metrics, then the endpoint.
class SingleHandler final : public service::Handler {
 public:
  SingleHandler(const service::Handler* endpoint, observe::ArmMetrics* metrics) : endpoint_(endpoint), metrics_(metrics) {}
  service::Outcome handle(http::Request& request, service::Call& call) const override {
    call.metrics = metrics_;
    return endpoint_->handle(request, call);
  }

 private:
  const service::Handler* endpoint_;
  observe::ArmMetrics* metrics_;
};

}  // namespace tandem::experiment
