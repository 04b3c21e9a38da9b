#include "app/private_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <utility>

namespace tandem::app {

namespace {

using Json = nlohmann::ordered_json;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kStartTimeout = std::chrono::seconds(60);  // applications may take long to import
constexpr auto kStopTimeout = std::chrono::seconds(10);

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What stands behind the last line that begins so.
std::string line_after(const std::string& text, std::string_view beginning) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(beginning)) return line.substr(beginning.size());
  return {};
}

// In the child: becomes the server.
[[noreturn]] void become_server(const std::string& config, int out, int err, const cpu_set_t* cpus, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);  // an interrupt at the terminal is not its own
  if (cpus) ::sched_setaffinity(0, sizeof *cpus, cpus);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execl("/proc/self/exe", "tandem", "serve", config.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

bool has_ended(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == pid; }

}  // namespace

Result<std::string> private_config(const std::string& text, const std::string& folder) {
  auto config = Json::parse(text, nullptr, false, true);
  if (!config.is_object()) return Error("compare.bad_config", "the config is no JSON object");
  config["listen"] = {"127.0.0.1:0"};
  config["admin"] = {{"listen", "127.0.0.1:0"}};
  config["state_dir"] = folder + "/state";
  config["pin"] = "open";
  config.erase("pin_token_file");
  if (!config.contains("log") || !config["log"].is_object()) config["log"] = Json::object();
  config["log"]["access"] = false;
  config["log"].erase("file");
  if (config.contains("routes") && config["routes"].is_array())
    for (auto& route : config["routes"]) {
      if (!route.is_object()) continue;
      route.erase("experiment");
      route.erase("pin");
    }
  return config.dump(2);
}

Result<PrivateServer> PrivateServer::start(const std::string& config_file, const std::vector<int>& cpus) {
  PrivateServer server;
  std::string folder = (std::filesystem::temp_directory_path() / "tandem-compare-XXXXXX").string();
  if (!::mkdtemp(folder.data()))
    return Error("compare.no_server",
                 "can't make a folder in the temporary directory: " + std::string(std::strerror(errno)));
  server.folder_ = folder;
  const auto config = private_config(read_file(config_file), folder);
  if (!config) return config.error();
  const auto path = folder + "/config.json", out_path = folder + "/out", err_path = folder + "/err";
  std::ofstream(path) << *config;

  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  const int out = ::open(out_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int err = ::open(err_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t parent = ::getpid();
  server.pid_ = ::fork();
  if (server.pid_ == 0) become_server(path, out, err, cpus.empty() ? nullptr : &set, parent);
  ::close(out);
  ::close(err);
  if (server.pid_ < 0) return Error("compare.no_server", "can't start a process: " + std::string(std::strerror(errno)));

  // The admin side's line is the last of those that say where it listens.
  for (const auto end = SteadyClock::now() + kStartTimeout; SteadyClock::now() < end;) {
    const auto said = read_file(out_path);
    server.url_ = line_after(said, "listening on ");
    server.admin_ = line_after(said, "admin on ");
    if (!server.admin_.empty() && said.find(server.admin_ + "\n") != std::string::npos) return server;
    if (has_ended(server.pid_)) {
      server.pid_ = -1;
      return Error("compare.no_server", "the server did not start:\n" + read_file(err_path));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Error("compare.no_server", "the server did not start within 60 s:\n" + read_file(err_path));
}

PrivateServer::PrivateServer(PrivateServer&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      folder_(std::exchange(other.folder_, {})),
      url_(std::move(other.url_)),
      admin_(std::move(other.admin_)) {}

PrivateServer::~PrivateServer() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    const auto end = SteadyClock::now() + kStopTimeout;
    bool is_over = has_ended(pid_);
    while (!is_over && SteadyClock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      is_over = has_ended(pid_);
    }
    if (!is_over) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::vector<int> usable_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

void run_on_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace tandem::app
