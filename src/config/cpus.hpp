// How many CPUs this process may use: what "auto" stands for.
#pragma once

#include <filesystem>

namespace tandem::config {

// The CPUs in the process's affinity mask (cpusets are part of it).
unsigned affinity_cpus();

// `affinity` cut to the CPU quota of the process's control group and of the groups above it, versions 1 and 2, rounded up;
// at least 1. `root` is where /proc and /sys are looked for: a test brings its own.
unsigned usable_cpus(unsigned affinity = affinity_cpus(), const std::filesystem::path& root = "/");

}  // namespace tandem::config
