// A family of endpoints and whatever they need to run: C++ functions, a pool of workers.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/handler.hpp"

namespace tandem::service {

class Backend {
 public:
  virtual ~Backend() = default;

  // Starts it and returns once every endpoint it was made with is proved ready, or says why not. Called once, from the main
  // thread, before any find().
  virtual Result<void> start() = 0;

  // The endpoint's handler, valid until the backend is destroyed.
  virtual Result<const Handler*> find(std::string_view endpoint) const = 0;

  // Lets work in progress finish until `deadline`, then ends it. Called once, from the main thread, after the last request.
  virtual void stop(TimePoint deadline) = 0;
};

}  // namespace tandem::service
