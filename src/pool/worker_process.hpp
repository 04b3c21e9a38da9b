// How a worker comes to life: the sockets that lead to it, and a process of its own by posix_spawn.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "pool/descriptor.hpp"
#include "pool/pool_backend.hpp"

namespace tandem::pool {

// The two sides of what leads to a worker; close-on-exec, all of them.
struct WorkerSockets {
  Descriptor control;
  std::vector<Descriptor> lanes;
  Descriptor worker_control;
  std::vector<Descriptor> worker_lanes;
};
Result<WorkerSockets> make_worker_sockets(std::size_t lanes);

struct WorkerProcess {
  pid_t pid = 0;
  Descriptor handle;  // readable once the process has ended; empty on kernels without pidfd_open
  Descriptor output;  // what it writes to standard output and standard error
};
// Starts `program` with the worker's side of the sockets. The environment is ours and the pool's, standard input is empty.
// A pool's user is passed on as `--user NAME`: the worker becomes that one before it does anything else.
Result<WorkerProcess> spawn_worker(const WorkerProgram& program, const WorkerSockets& sockets, const PoolOptions& options);

// "exit code 1", "signal 9 (Killed)".
std::string format_exit(int wait_status);

// Resident memory of a process; 0 when it can't be read.
std::uint64_t resident_bytes(pid_t pid);
// What its threads have used of the CPUs since it began; 0 when it can't be read.
Nanoseconds cpu_time(pid_t pid);

}  // namespace tandem::pool
