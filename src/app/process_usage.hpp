// What a process and its descendants use, as the system counts it: proc_pid_stat(5), clock_getcpuclockid(3).
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tandem::app {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system; of children that ended, too, once they were waited for
  std::uint64_t rss_bytes = 0;
  unsigned processes = 0;  // 0: there is no such process
};

ProcessUsage usage_of_tree(pid_t pid);

}  // namespace tandem::app
