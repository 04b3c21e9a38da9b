// A twin route: sends each request to one of its arms, at random by weight, or by the client's
// pin.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiment/pin.hpp"
#include "service/handler.hpp"

namespace tandem::experiment {

struct Arm {
  std::string name;
  double weight = 1;    // share of the sum
  std::string backend;  // "native", "python"
  const service::Handler* handler = nullptr;
  observe::ArmMetrics* metrics = nullptr;
};

class SplitHandler final : public service::Handler {
 public:
  // At least one arm with a positive weight.
  SplitHandler(std::vector<Arm> arms, PinRule pins);

  service::Outcome handle(http::Request& request, service::Call& call) const override;

  const std::vector<Arm>& arms() const { return arms_; }

 private:
  const Arm& pick(const http::Request& request, service::Call& call) const;

  std::vector<Arm> arms_;
  std::vector<std::uint64_t> thresholds_;  // cumulative shares of 2^64, one an arm
  std::size_t last_weighted_ = 0;
  PinRule pins_;
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
