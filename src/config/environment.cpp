#include "config/environment.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace tandem::config {
namespace {

bool is_variable_name(std::string_view name) {
  return !name.empty() && !ascii::is_digit(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z');
  });
}

// `reference` is what stands between "${" and "}".
Result<std::string> value_of(std::string_view reference, const Environment& environment) {
  const auto separator = reference.find(":-");
  const auto name = reference.substr(0, separator);
  if (!is_variable_name(name))
    return Error("\"${" + std::string(reference) + "}\" names no environment variable (write \"$${\" for a literal \"${\")");
  const auto value = environment ? environment(name) : std::nullopt;
  if (separator != std::string_view::npos)
    return value && !value->empty() ? *value : std::string(reference.substr(separator + 2));
  if (value) return *value;
  return Error("the environment variable " + std::string(name) + " is not set (\"${" + std::string(name) +
               ":-default}\" gives it a default)");
}

}  // namespace

Result<std::string> expand(std::string_view text, const Environment& environment) {
  std::string expanded;
  while (true) {
    const auto dollar = text.find("${");
    if (dollar == std::string_view::npos) return expanded.append(text);
    expanded.append(text.substr(0, dollar));
    text.remove_prefix(dollar + 2);
    if (dollar > 0 && expanded.back() == '$') {  // "$${": the first one goes
      expanded += '{';
      continue;
    }
    const auto end = text.find('}');
    if (end == std::string_view::npos) return Error("\"${\" without its \"}\" (write \"$${\" for a literal \"${\")");
    auto value = value_of(text.substr(0, end), environment);
    if (!value) return value.error();
    expanded += *value;
    text.remove_prefix(end + 1);
  }
}

}  // namespace tandem::config
