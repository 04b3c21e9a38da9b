#include "pool/worker_process.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

extern char** environ;

namespace tandem::pool {
namespace {

constexpr int kControlNumber = 3;
constexpr int kFirstLaneNumber = 4;

Error system_error(const char* what, int number = errno) {
  return Error("python.start_failed", std::string(what) + ": " + std::strerror(number));
}

bool make_pair(Descriptor& ours, Descriptor& theirs) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  ours = Descriptor(ends[0]);
  theirs = Descriptor(ends[1]);
  // Room for the large answers of a batch; as much as the system allows.
  const int room = 512 * 1024;
  ::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
  return true;
}

// posix_spawn's lists free themselves.
struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&list); }
  ~FileActions() { posix_spawn_file_actions_destroy(&list); }
  posix_spawn_file_actions_t list;
};
struct Attributes {
  Attributes() { posix_spawnattr_init(&list); }
  ~Attributes() { posix_spawnattr_destroy(&list); }
  posix_spawnattr_t list;
};

// "NAME=value" lines: ours, then what is the user's, then the pool's own.
Result<std::vector<std::string>> make_environment(const PoolOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view line = *one;
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  if (!options.user.empty()) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> memory(16 * 1024);
    ::getpwnam_r(options.user.c_str(), &entry, memory.data(), memory.size(), &found);
    if (found == nullptr) return Error("python.start_failed", "this machine has no user \"" + options.user + "\"");
    if (::geteuid() != 0 && ::geteuid() != found->pw_uid)
      return Error("python.start_failed", "only root may run workers as another user, here \"" + options.user +
                                              "\": start the server as root, or as "
                                              "that user, or leave \"user\" out");
    variables["HOME"] = found->pw_dir;
    variables["USER"] = variables["LOGNAME"] = options.user;
  }
  for (const auto& [name, value] : options.environment) variables[name] = value;
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.emplace_back(name).append("=").append(value);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<WorkerSockets> make_worker_sockets(std::size_t lanes) {
  WorkerSockets sockets;
  if (!make_pair(sockets.control, sockets.worker_control)) return system_error("socketpair");
  sockets.lanes.resize(lanes);
  sockets.worker_lanes.resize(lanes);
  for (std::size_t i = 0; i < lanes; ++i)
    if (!make_pair(sockets.lanes[i], sockets.worker_lanes[i])) return system_error("socketpair");
  return sockets;
}

Result<WorkerProcess> spawn_worker(const WorkerProgram& program, const WorkerSockets& sockets, const PoolOptions& options) {
  auto environment = make_environment(options);
  if (!environment) return environment.error();
  WorkerProcess process;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe2");
  process.output = Descriptor(ends[0]);
  const Descriptor output_end(ends[1]);

  // The numbers that the worker expects may be in use by the very descriptors that are to become them: those move out of the
  // way first. The copies made by adddup2 are not close-on-exec, everything else is.
  const int beyond = kFirstLaneNumber + static_cast<int>(sockets.worker_lanes.size());
  std::vector<Descriptor> raised;
  FileActions actions;
  const auto place = [&](int from, int number) {
    raised.emplace_back(::fcntl(from, F_DUPFD_CLOEXEC, beyond));
    return raised.back() && posix_spawn_file_actions_adddup2(&actions.list, raised.back().get(), number) == 0;
  };
  bool placed = posix_spawn_file_actions_addopen(&actions.list, 0, "/dev/null", O_RDONLY, 0) == 0 &&
                place(output_end.get(), 1) && posix_spawn_file_actions_adddup2(&actions.list, 1, 2) == 0 &&
                place(sockets.worker_control.get(), kControlNumber);
  for (std::size_t i = 0; placed && i < sockets.worker_lanes.size(); ++i)
    placed = place(sockets.worker_lanes[i].get(), kFirstLaneNumber + static_cast<int>(i));
  if (!placed) return system_error("descriptors for a worker");

  // What the server ignores or blocks is not the worker's affair.
  Attributes attributes;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.list, &none);
  posix_spawnattr_setsigdefault(&attributes.list, &all);
  posix_spawnattr_setflags(&attributes.list, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words{program.name};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  words.insert(words.end(),
               {"--fd", std::to_string(kControlNumber), "--lanes", std::to_string(sockets.worker_lanes.size())});
  if (!options.user.empty()) words.insert(words.end(), {"--user", options.user});
  const auto arguments = pointers_to(words);
  const auto variables = pointers_to(*environment);

  if (const int failed = posix_spawn(&process.pid, program.executable.c_str(), &actions.list, &attributes.list,
                                     arguments.data(), variables.data()))
    return system_error(program.executable.c_str(), failed);
#ifdef SYS_pidfd_open
  process.handle = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
#endif
  return process;
}

std::string format_exit(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return "signal " + std::to_string(WTERMSIG(wait_status)) + " (" + ::strsignal(WTERMSIG(wait_status)) + ")";
  return "exit code " + std::to_string(WEXITSTATUS(wait_status));
}

Nanoseconds cpu_time(pid_t pid) {
  std::FILE* const file = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re");
  if (file == nullptr) return Nanoseconds(0);
  char text[1024];
  const auto length = std::fread(text, 1, sizeof(text) - 1, file);
  std::fclose(file);
  text[length] = '\0';
  // The name in parentheses may hold anything; the fields after it are numbers: state is the 3rd, utime the 14th.
  const char* const end_of_name = std::strrchr(text, ')');
  unsigned long long user = 0;
  unsigned long long kernel = 0;
  if (end_of_name == nullptr ||
      std::sscanf(end_of_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
    return Nanoseconds(0);
  static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return Nanoseconds((user + kernel) * (1'000'000'000 / ticks));
}

std::uint64_t resident_bytes(pid_t pid) {
  const auto path = "/proc/" + std::to_string(pid) + "/statm";
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  unsigned long long total = 0;
  unsigned long long resident = 0;
  const int count = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return count == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace tandem::pool
