// Tells when source files under some directories change: inotify, recursively, quiet for a moment before it speaks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::app {

// A pattern is a shell pattern for the name of a file or directory ("*.html", ".env", "build"), or, with a slash in it, for
// the path below the watched directory ("static/*.css").
struct WatchOptions {
  std::vector<std::string> directories;          // absolute
  std::vector<std::string> includes = {"*.py"};  // files that count
  std::vector<std::string> excludes;             // files that don't after all, and directories that are not entered
  Milliseconds quiet{100};                       // without a further change; then the changes are told together
};

// Hidden directories, __pycache__, node_modules and virtual environments are never entered; hidden files count only for
// patterns that begin with a dot. Symbolic links to directories below the watched ones are not followed.
// Thread: that of the context, which outlives this.
class FileWatcher {
 public:
  // `stirred` is called at the first change, at once; `changed`, once it is quiet again, with the paths that were written,
  // created, moved or removed, sorted.
  using Stirred = std::function<void()>;
  using Changed = std::function<void(const std::vector<std::string>& paths)>;

  FileWatcher(boost::asio::io_context& context, WatchOptions options, Stirred stirred, Changed changed);

  // Errors: a directory that is not there, or more directories than the system lets a user watch.
  Result<void> start();

  // Directories that are watched now.
  std::size_t directories() const { return watched_.size(); }

 private:
  struct Directory {
    std::string path;
    std::size_t root;  // index into options_.directories
  };

  Result<void> add(const std::string& path, std::size_t root, bool is_new);
  void forget(const std::string& path);
  void read();
  void take(const char* data, std::size_t size);
  void note(std::string path);
  bool enters(const std::string& path, std::size_t root) const;
  bool counts(const std::string& path, std::size_t root) const;
  bool fits(const std::vector<std::string>& patterns, const std::string& path, std::size_t root) const;

  WatchOptions options_;
  Stirred stirred_;
  Changed changed_;
  boost::asio::posix::stream_descriptor inotify_;
  boost::asio::steady_timer quiet_;
  std::unordered_map<int, Directory> watched_;  // by watch descriptor
  std::set<std::string> pending_;
  TimePoint first_pending_{};
  alignas(8) char buffer_[16 * 1024];
};

}  // namespace tandem::app
