#include "app/development.hpp"

#include <utility>

#include "app/errand_thread.hpp"
#include "base/log.hpp"

namespace tandem::app {
namespace {

// "main.py", "main.py and prices.py", "main.py and 3 more".
std::string described(const std::vector<std::string>& paths) {
  const auto name = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  auto text = name(paths.front());
  if (paths.size() == 2) text += " and " + name(paths.back());
  if (paths.size() > 2) text += " and " + std::to_string(paths.size() - 1) + " more";
  return text;
}

}  // namespace

Development::Development(Server& server, WatchOptions options, std::string application, bool colour)
    : server_(server),
      options_(std::move(options)),
      application_(std::move(application)),
      colour_(colour),
      watcher_(
          context_, options_, [this] { hold(); }, [this](const auto& paths) { changed(paths); }) {
  server_.stand_before_router([this](const service::Handler& router) {
    auto gate = std::make_unique<DevelopmentGate>(router, application_);
    gate_ = gate.get();
    return gate;
  });
}

Development::~Development() { stop(); }

Result<void> Development::start(std::function<void()> loaded) {
  if (auto started = watcher_.start(); !started) return started;
  on_loaded_ = std::move(loaded);
  load();
  thread_ = start_thread("tandem-watch", [this] { context_.run(); });
  return {};
}

void Development::stop() {
  if (!thread_.joinable()) return;
  gate_->stop();
  context_.stop();
  thread_.join();
}

void Development::changed(const std::vector<std::string>& paths) {
  log().info("{} changed: loading {} again", described(paths), application_);
  load();
}

// From here on no answer is the old code's; a load that is going on does not count any more.
unsigned Development::hold() {
  const std::lock_guard lock(mutex_);
  gate_->hold();
  return ++asked_;
}

void Development::load() {
  const auto number = hold();
  server_.reload("", [this, number](const admin::ReloadReport& report) { ended(number, report); });
}

void Development::tell(const Failure& failure) const {
  log().error("{} can't be loaded: {}", application_, failure.summary);
  write_log_lines(format_for_terminal(failure, colour_));
}

// Thread: the reloading one.
void Development::ended(unsigned number, const admin::ReloadReport& report) {
  std::function<void()> on_loaded;
  {
    const std::lock_guard lock(mutex_);
    if (number != asked_ || report.code == "server.stopping") return;
    if (report.ok())
      gate_->open();
    else
      gate_->show(parse_failure(report.detail));
    on_loaded = std::exchange(on_loaded_, nullptr);
  }
  if (report.ok())
    log().info("{} is loaded, in {} ms", application_, report.took.count());
  else
    tell(parse_failure(report.detail));
  if (on_loaded) on_loaded();
}

}  // namespace tandem::app
