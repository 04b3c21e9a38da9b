// The config reader: any text gives a Config or problems, and a problem has words. Seeds: config/*.json.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  LoadOptions options(
      [](std::string_view name) { return name == "NAME" ? std::optional<std::string>("value") : std::nullopt; });
  options.working_directory = "/nonexistent";
  options.cpus = 2;
  const auto result = load_text(text, "fuzz.json", options);
  if (result.config.has_value() == !result.problems.empty()) std::abort();
  for (const auto& line : result.lines())
    if (line.empty()) std::abort();
  return 0;
}
