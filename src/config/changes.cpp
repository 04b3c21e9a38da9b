#include "config/changes.hpp"

#include <algorithm>

namespace tandem::config {
namespace {

bool is_same(const net::ListenOptions& a, const net::ListenOptions& b) {
  return a.kind == b.kind && a.host == b.host && a.port == b.port && a.path == b.path;
}

}  // namespace

std::vector<std::string> find_restart_keys(const Config& running, const Config& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&keys](bool same, const char* key) {
    if (!same) keys.emplace_back(key);
  };
  compare(std::equal(running.listen.begin(), running.listen.end(), wanted.listen.begin(), wanted.listen.end(), is_same),
          "listen");
  compare(running.threads == wanted.threads, "threads");
  const auto& admin = running.admin.listen;
  compare(admin.has_value() == wanted.admin.listen.has_value() && (!admin || is_same(*admin, *wanted.admin.listen)),
          "admin.listen");
  compare(running.log.format == wanted.log.format, "log.format");
  compare(running.log.file == wanted.log.file, "log.file");
  compare(running.state_dir == wanted.state_dir, "state_dir");
  return keys;
}

}  // namespace tandem::config
