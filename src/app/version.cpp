#include "app/version.hpp"

#include <boost/version.hpp>

namespace tandem::app {

std::string_view version() { return TANDEM_VERSION; }

BuildFacts build_facts() {
  BuildFacts facts;
  facts.version = TANDEM_VERSION;
#if defined(__clang__)
  facts.compiler = "Clang " __clang_version__;
#else
  facts.compiler = "GCC " __VERSION__;
#endif
  facts.build_type = TANDEM_BUILD_TYPE;
  facts.boost = std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
                std::to_string(BOOST_VERSION % 100);
  facts.python = TANDEM_PYTHON_VERSION;
  return facts;
}

}  // namespace tandem::app
