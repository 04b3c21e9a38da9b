// Which deployment serves, which are on their way out, and how the next one comes: reload. The first generation is 1.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/server_view.hpp"
#include "app/deployment.hpp"
#include "app/errand_thread.hpp"
#include "config/load.hpp"

namespace tandem::app {

class Generations {
 public:
  // The config as it is now, with what the command line changes about it.
  using ReadConfig = std::function<config::LoadResult()>;
  // Lets requests that begin from now on meet `next`; returns what of its config waits for a restart, in sentences.
  using SwitchTo = std::function<std::vector<std::string>(Deployment& next)>;
  using Done = std::function<void(admin::ReloadReport)>;

  Generations(const Surroundings& surroundings, ReadConfig read_config, SwitchTo switch_to);
  ~Generations();

  // Starts the first generation; it does not serve before the caller has given its table to the router. Thread: main, once.
  Result<void> start(config::Config config);

  // Reads the config, starts a new generation and lets it serve; if anything is wrong the old one goes on as it was. Reloads
  // run one at a time in the order they were asked for. `by`: who asked, for the log; empty: `done` says
  // how it went, and the log nothing. `done` runs once, on another thread; it may be empty. Thread: any.
  void reload(std::string by, Done done);

  // Ends a reload in progress, unless it is about to succeed, and answers those that wait with "server.stopping". Thread:
  // main.
  void stop_reloading();
  // After that, when no request is left: stops the pools of every generation. Thread: main.
  void stop(TimePoint deadline);

  // Thread: any.
  std::shared_ptr<Deployment> current() const;
  std::vector<std::shared_ptr<Deployment>> retiring() const;
  std::optional<admin::ReloadReport> last_reload() const;

 private:
  // A generation that has been replaced, and the thread that waits for its end.
  struct Retiring {
    std::shared_ptr<Deployment> deployment;  // guarded by mutex_; null: it has ended
    std::thread thread;
  };

  admin::ReloadReport try_reload();
  void note(const admin::ReloadReport& report);
  void retire(std::shared_ptr<Deployment> old, std::shared_ptr<Deployment> successor);
  void wait_for_end(Retiring& retiring, Deployment& old, const Deployment& successor);

  const Surroundings& surroundings_;
  const ReadConfig read_config_;
  const SwitchTo switch_to_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<Deployment> current_;
  std::shared_ptr<Deployment> starting_;
  std::optional<admin::ReloadReport> last_reload_;
  std::list<Retiring> retiring_;  // grows and shrinks on the reloading thread only
  bool stopping_ = false;

  ErrandThread reloading_{"tandem-reload"};
};

}  // namespace tandem::app
