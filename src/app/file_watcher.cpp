#include "app/file_watcher.hpp"

#include <fnmatch.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.hpp"

namespace tandem::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
// A file that is written on and on is told of all the same.
constexpr Milliseconds kLongest{1000};

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

FileWatcher::FileWatcher(boost::asio::io_context& context, WatchOptions options, Stirred stirred, Changed changed)
    : options_(std::move(options)),
      stirred_(std::move(stirred)),
      changed_(std::move(changed)),
      inotify_(context),
      quiet_(context) {}

Result<void> FileWatcher::start() {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) return Error("watch.failed", std::string("inotify: ") + std::strerror(errno));
  inotify_.assign(descriptor);
  for (std::size_t root = 0; root < options_.directories.size(); ++root)
    if (auto added = add(options_.directories[root], root, false); !added) return added;
  read();
  return {};
}

// In a directory that has just appeared, files may have been written before it was watched: they count as changes.
Result<void> FileWatcher::add(const std::string& path, std::size_t root, bool is_new) {
  const int descriptor = ::inotify_add_watch(inotify_.native_handle(), path.c_str(), kEvents);
  if (descriptor < 0) {
    if (is_new && errno != ENOSPC) return {};  // gone again
    return Error("watch.failed", errno == ENOSPC ? "there are more directories below " + options_.directories[root] +
                                                       " than fs.inotify.max_user_watches allows to watch"
                                                 : "can't watch " + path + ": " + std::strerror(errno));
  }
  watched_[descriptor] = Directory{path, root};
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    const auto below = entry->path().string();
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      if (!enters(below, root)) continue;
      if (auto added = add(below, root, is_new); !added) return added;
    } else if (is_new && counts(below, root)) {
      note(below);
    }
  }
  return {};
}

void FileWatcher::forget(const std::string& path) {
  for (auto one = watched_.begin(); one != watched_.end();) {
    const auto& below = one->second.path;
    if (below == path || below.starts_with(path + "/")) {
      ::inotify_rm_watch(inotify_.native_handle(), one->first);
      one = watched_.erase(one);
    } else {
      ++one;
    }
  }
}

void FileWatcher::read() {
  inotify_.async_read_some(boost::asio::buffer(buffer_), [this](boost::system::error_code error, std::size_t size) {
    if (error) return;
    take(buffer_, size);
    read();
  });
}

void FileWatcher::take(const char* data, std::size_t size) {
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event;
    std::memcpy(&event, data + at, sizeof(event));
    const char* const name = data + at + sizeof(event);
    at += sizeof(event) + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {  // nobody knows what was lost
      for (std::size_t root = 0; root < options_.directories.size(); ++root) {
        if (auto added = add(options_.directories[root], root, false); !added) log().warn("{}", added.error().message);
        note(options_.directories[root]);
      }
      continue;
    }
    const auto watched = watched_.find(event.wd);
    if (watched == watched_.end()) continue;
    if ((event.mask & IN_IGNORED) != 0) {
      watched_.erase(watched);
      continue;
    }
    if (event.len == 0) continue;
    const auto root = watched->second.root;
    const auto directory = watched->second.path;
    const auto path = directory + "/" + name;
    if (name == std::string_view("pyvenv.cfg") && directory != options_.directories[root]) {
      forget(directory);  // a virtual environment is being made
      continue;
    }
    if ((event.mask & IN_ISDIR) == 0) {
      if (counts(path, root)) note(path);
    } else if (enters(path, root)) {
      if ((event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0) forget(path);
      if ((event.mask & IN_MOVED_FROM) != 0) note(path);
      if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0)
        if (auto added = add(path, root, true); !added) log().warn("{}", added.error().message);
    }
  }
}

void FileWatcher::note(std::string path) {
  const auto now = std::chrono::steady_clock::now();
  if (pending_.empty()) {
    first_pending_ = now;
    stirred_();
  }
  pending_.insert(std::move(path));
  quiet_.expires_at(std::min(now + options_.quiet, first_pending_ + std::max(options_.quiet, kLongest)));
  quiet_.async_wait([this](boost::system::error_code error) {
    if (error || pending_.empty()) return;
    const std::vector<std::string> paths(pending_.begin(), pending_.end());
    pending_.clear();
    changed_(paths);
  });
}

bool FileWatcher::enters(const std::string& path, std::size_t root) const {
  const auto name = name_of(path);
  if (name.starts_with('.') || name == "__pycache__" || name == "node_modules") return false;
  return ::access((path + "/pyvenv.cfg").c_str(), F_OK) != 0 && !fits(options_.excludes, path, root);
}

bool FileWatcher::counts(const std::string& path, std::size_t root) const {
  return fits(options_.includes, path, root) && !fits(options_.excludes, path, root);
}

bool FileWatcher::fits(const std::vector<std::string>& patterns, const std::string& path, std::size_t root) const {
  const auto below = path.substr(std::min(path.size(), options_.directories[root].size() + 1));
  const std::string name(name_of(path));
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    const auto& subject = pattern.starts_with('/') ? path : pattern.find('/') != std::string::npos ? below : name;
    return ::fnmatch(pattern.c_str(), subject.c_str(), FNM_PERIOD) == 0;
  });
}

}  // namespace tandem::app
