#include "app/generations.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace tandem::app {
namespace {

// Python's own end (lifespan, atexit) gets a moment even when the drain used up its time.
constexpr Milliseconds kStopGrace{2000};

TimePoint now_exactly() { return std::chrono::steady_clock::now(); }

admin::ReloadReport failure(std::string code, std::string detail, std::vector<std::string> errors) {
  admin::ReloadReport report;
  report.code = std::move(code);
  report.detail = std::move(detail);
  report.errors = std::move(errors);
  return report;
}

admin::ReloadReport failure(const Error& error) {
  const bool is_known = error.code == "reload.needs_restart" || error.code == "server.stopping";
  return failure(is_known ? error.code : "reload.start_failed", error.message, {error.message});
}

admin::ReloadReport bad_config(const config::LoadResult& loaded) {
  const auto count = loaded.problems.size();
  return failure("reload.bad_config", loaded.file + " has " + std::to_string(count) + (count == 1 ? " error" : " errors"),
                 loaded.lines());
}

}  // namespace

Generations::Generations(const Surroundings& surroundings, ReadConfig read_config, SwitchTo switch_to)
    : surroundings_(surroundings), read_config_(std::move(read_config)), switch_to_(std::move(switch_to)) {}

Generations::~Generations() {
  stop_reloading();
  stop(TimePoint::min());
}

Result<void> Generations::start(config::Config config) {
  auto first = std::make_shared<Deployment>(1, std::move(config), surroundings_);
  if (auto started = first->start(nullptr); !started) return started;
  const std::lock_guard lock(mutex_);
  current_ = std::move(first);
  reloading_.start();
  return {};
}

void Generations::reload(std::string by, Done done) {
  reloading_.post([this, by = std::move(by), done = std::move(done)] {
    if (!by.empty()) log().info("reload: starting, asked for by {}", by);
    const auto began = now_exactly();
    auto report = try_reload();
    report.by = by;
    report.at = std::chrono::system_clock::now();
    report.took = std::chrono::duration_cast<Milliseconds>(now_exactly() - began);
    const auto serving = current();
    report.generation = serving->generation();
    report.routes = serving->config().routes.size();
    note(report);
    if (done) done(std::move(report));
  });
}

admin::ReloadReport Generations::try_reload() {
  const auto old = current();
  auto loaded = read_config_();
  if (!loaded.config) return bad_config(loaded);
  const auto next = std::make_shared<Deployment>(old->generation() + 1, std::move(*loaded.config), surroundings_);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return failure(Error("server.stopping", "the server is stopping"));
    starting_ = next;
  }
  const auto started = next->start(old.get());
  {
    const std::lock_guard lock(mutex_);
    starting_.reset();
  }
  if (!started) return failure(started.error());

  admin::ReloadReport report;
  report.warnings = switch_to_(*next);
  report.warnings.insert(report.warnings.end(), next->warnings().begin(), next->warnings().end());
  {
    const std::lock_guard lock(mutex_);
    current_ = next;
  }
  retire(old, next);
  return report;
}

void Generations::note(const admin::ReloadReport& report) {
  {
    const std::lock_guard lock(mutex_);
    last_reload_ = report;
  }
  surroundings_.registry
      .counter("tandem_reloads_total", "Reloads that were asked for.", report.ok() ? R"(result="ok")" : R"(result="failed")")
      .add(surroundings_.registry.shared_shard());
  if (report.by.empty()) return;
  if (report.ok()) {
    log().info("reload: generation {} serves (took {} ms)", report.generation, report.took.count());
    for (const auto& warning : report.warnings) log().warn("reload: {}", warning);
  } else {
    log().error("reload: failed, generation {} goes on: {}", report.generation, report.detail);
    if (report.errors.size() != 1 || report.errors.front() != report.detail)
      for (const auto& error : report.errors) log().error("reload: {}", error);
  }
}

void Generations::retire(std::shared_ptr<Deployment> old, std::shared_ptr<Deployment> successor) {
  std::list<Retiring> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto each = retiring_.begin(); each != retiring_.end();) {
      const auto next = std::next(each);
      if (!each->deployment) ended.splice(ended.end(), retiring_, each);
      each = next;
    }
  }
  for (auto& one : ended) one.thread.join();
  const std::lock_guard lock(mutex_);
  auto& retiring = retiring_.emplace_back();
  retiring.deployment = old;
  retiring.thread = start_thread("tandem-retire", [this, &retiring, old = std::move(old), successor = std::move(successor)] {
    wait_for_end(retiring, *old, *successor);
  });
}

void Generations::wait_for_end(Retiring& retiring, Deployment& old, const Deployment& successor) {
  const auto deadline = now_exactly() + successor.config().net.limits.drain_timeout;
  const bool unused = old.wait_unused(deadline);
  if (!unused && now_exactly() >= deadline)
    log().warn("reload: requests of generation {} still run after the drain timeout: ending them", old.generation());
  old.stop(unused ? std::max(deadline, now_exactly() + kStopGrace) : now_exactly() + kStopGrace, &successor);
  // Clients may be slow to take what was ready for them. At the server's end, what they hold is kept until the loops are
  // gone.
  if (!old.wait_unused(TimePoint::max())) return;
  log().info("reload: generation {} has ended", old.generation());
  std::shared_ptr<Deployment> ended;
  const std::lock_guard lock(mutex_);
  ended.swap(retiring.deployment);
}

void Generations::stop_reloading() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (starting_) starting_->give_up_start();
  }
  reloading_.finish();
}

void Generations::stop(TimePoint deadline) {
  for (const auto& one : retiring()) one->hurry();
  if (const auto serving = current()) serving->stop(deadline, nullptr);
  for (auto& one : retiring_)
    if (one.thread.joinable()) one.thread.join();
}

std::shared_ptr<Deployment> Generations::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::vector<std::shared_ptr<Deployment>> Generations::retiring() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Deployment>> found;
  for (const auto& one : retiring_)
    if (one.deployment) found.push_back(one.deployment);
  return found;
}

std::optional<admin::ReloadReport> Generations::last_reload() const {
  const std::lock_guard lock(mutex_);
  return last_reload_;
}

}  // namespace tandem::app
