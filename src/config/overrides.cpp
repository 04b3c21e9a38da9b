#include "config/overrides.hpp"

#include "config/check.hpp"

namespace tandem::config {

Result<void> apply(const Overrides& overrides, Config& config) {
  if (!overrides.listen.empty()) config.listen = overrides.listen;
  if (overrides.admin) config.admin.listen = overrides.admin;
  if (overrides.threads) config.threads = *overrides.threads;
  if (overrides.log_level) config.log.level = *overrides.log_level;
  if (overrides.workers) {
    auto& python = config.pools["python"];
    if (python.mode == pool::Mode::thread && *overrides.workers != 1)
      return Error("--workers: in thread mode there is one worker");
    python.workers = *overrides.workers;
  }
  if (overrides.admin)
    if (auto checked = check_admin(config.admin); !checked) return Error("--admin: " + checked.error().message);
  return check_addresses(config.listen, config.admin);
}

}  // namespace tandem::config
