// `tandem run --reload`: loads the application again when its files change, and says on the terminal and in the browser what
// is wrong with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/development_gate.hpp"
#include "app/file_watcher.hpp"
#include "app/server.hpp"

namespace tandem::app {

// Made before the server starts, whose first generation is one without the application: it is loaded by the first reload.
// Thread: main.
class Development {
 public:
  // `server` outlives this. `application`: what pages call it. `colour`: of what goes to the log.
  Development(Server& server, WatchOptions options, std::string application, bool colour);
  ~Development();

  // Watches, and loads the application for the first time; `loaded` is called once, on another thread, when that has come
  // out well or badly. After the server's start.
  Result<void> start(std::function<void()> loaded);

  // Loads nothing any more, and lets no request wait.
  void stop();

 private:
  void changed(const std::vector<std::string>& paths);
  unsigned hold();
  void load();
  void tell(const Failure& failure) const;
  void ended(unsigned number, const admin::ReloadReport& report);

  Server& server_;
  const WatchOptions options_;
  const std::string application_;
  const bool colour_;
  DevelopmentGate* gate_ = nullptr;  // the server's

  std::mutex mutex_;                 // guards what follows
  unsigned asked_ = 0;               // loads that were asked for; only the last one's outcome counts
  std::function<void()> on_loaded_;  // empty once it was called

  boost::asio::io_context context_;
  FileWatcher watcher_;
  std::thread thread_;
};

}  // namespace tandem::app
