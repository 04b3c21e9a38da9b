// Stands before the router while an application is being developed: holds requests while new code is loaded, so that they
// never meet the old one, and shows what is wrong with it instead of running anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "app/failure_page.hpp"
#include "service/handler.hpp"

namespace tandem::app {

// Begins by holding. Thread: open(), hold(), show() and stop() from any.
class DevelopmentGate final : public service::Handler {
 public:
  // `next` outlives this; `application` is what the page calls it.
  DevelopmentGate(const service::Handler& next, std::string application);

  // Requests go through, those that were held as well.
  void open();
  // Requests wait; those that have waited for a minute are answered 503.
  void hold();
  // Requests are answered 500: a page for browsers, a problem for others.
  void show(Failure failure);
  // Nothing waits any more: the server is stopping.
  void stop();

  service::Outcome handle(http::Request& request, service::Call& call) const override;

 private:
  enum class Kind : std::uint8_t { open, holding, failed };
  struct State {
    Kind kind = Kind::holding;
    std::uint64_t number = 0;  // another one for each state
    Failure failure;
  };

  void enter(Kind kind, Failure failure);
  std::shared_ptr<const State> state() const;
  Task<http::Response> wait(http::Request& request, service::Call& call) const;
  Task<http::Response> watch(std::string number, service::Call& call) const;
  http::Response answer(const State& state, const http::Request& request, const service::Call& call) const;

  const service::Handler& next_;
  const std::string application_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;  // guarded by mutex_
};

}  // namespace tandem::app
