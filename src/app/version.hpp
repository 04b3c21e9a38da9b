// What this build is.
#pragma once

#include <string>
#include <string_view>

namespace tandem::app {

std::string_view version();

// Name and value of each: version, compiler, build type, Boost, Python.
struct BuildFacts {
  std::string version, compiler, build_type, boost, python;
};
BuildFacts build_facts();

}  // namespace tandem::app
