#include "app/process_usage.hpp"

#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace tandem::app {

namespace {

// Fields are counted from 1; the second, the program's name, may hold anything.
void add_process(pid_t pid, ProcessUsage& usage) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  double ticks = 0;
  for (int number = 3; number <= 24 && fields >> field; ++number) {
    if (number == 16 || number == 17) ticks += std::stod(field);  // cutime, cstime
    if (number == 24) usage.rss_bytes += std::stoull(field) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  usage.cpu_seconds += ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  // Its own time is known to the nanosecond, that of its ended children only in ticks of 10 ms.
  clockid_t clock{};
  timespec own{};
  if (::clock_getcpuclockid(pid, &clock) == 0 && ::clock_gettime(clock, &own) == 0)
    usage.cpu_seconds += static_cast<double>(own.tv_sec) + static_cast<double>(own.tv_nsec) * 1e-9;
  ++usage.processes;
}

}  // namespace

ProcessUsage usage_of_tree(pid_t pid) {
  ProcessUsage usage;
  add_process(pid, usage);
  std::error_code gone;
  std::filesystem::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", gone);
  for (; !gone && tasks != std::filesystem::directory_iterator(); tasks.increment(gone)) {
    std::ifstream file(tasks->path() / "children");
    for (pid_t child = 0; file >> child;) {
      const auto below = usage_of_tree(child);
      usage.cpu_seconds += below.cpu_seconds;
      usage.rss_bytes += below.rss_bytes;
      usage.processes += below.processes;
    }
  }
  return usage;
}

}  // namespace tandem::app
