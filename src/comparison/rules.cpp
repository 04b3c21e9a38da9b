#include "comparison/rules.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::comparison {
namespace {

Result<std::vector<JsonPath>> parse_paths(const std::vector<std::string>& texts) {
  std::vector<JsonPath> paths;
  for (const auto& text : texts) {
    auto path = JsonPath::parse(text);
    if (!path) return path.error();
    paths.push_back(std::move(*path));
  }
  return paths;
}

}  // namespace

Result<Rules> Rules::make(const Settings& settings) {
  Rules rules;
  rules.settings_ = settings;
  for (const auto& [texts, target] : {std::pair(&settings.ignore, &rules.ignore_),
                                      {&settings.unordered, &rules.unordered_},
                                      {&settings.redact, &rules.redact_}}) {
    auto paths = parse_paths(*texts);
    if (!paths) return paths.error();
    *target = std::move(*paths);
  }
  for (const auto& [text, field] : settings.key) {
    auto path = JsonPath::parse(text);
    if (!path) return path.error();
    rules.key_.emplace_back(std::move(*path), field);
  }
  for (const auto& mask : settings.mask) {
    auto path = JsonPath::parse(mask.path);
    if (!path) return path.error();
    auto pattern = Pattern::make(mask.pattern);
    if (!pattern) return pattern.error();
    rules.mask_.emplace_back(std::move(*path), std::move(*pattern));
  }
  for (const auto& replacement : settings.replace) {
    auto pattern = Pattern::make(replacement.pattern);
    if (!pattern) return pattern.error();
    rules.replace_.emplace_back(std::move(*pattern), replacement.with);
  }
  return rules;
}

bool Rules::any(const std::vector<JsonPath>& paths, Place place) {
  return std::any_of(paths.begin(), paths.end(), [&](const JsonPath& path) { return path.matches(place); });
}

const std::string* Rules::key_of(Place place) const {
  for (const auto& [path, field] : key_)
    if (path.matches(place)) return &field;
  return nullptr;
}

bool Rules::masks(Place place, const std::string& a, const std::string& b) const {
  return std::any_of(mask_.begin(), mask_.end(), [&](const auto& mask) {
    return mask.first.matches(place) && mask.second.matches(a) && mask.second.matches(b);
  });
}

bool Rules::are_near(double a, double b) const {
  return a == b || is_near(std::abs(a - b), std::max(std::abs(a), std::abs(b)));
}

bool Rules::is_near(double distance, double largest) const {
  return distance <= std::max(settings_.absolute, settings_.relative * largest);
}

std::string Rules::normalised(std::string_view text) const {
  if (settings_.text == Settings::Text::trim) {
    const auto first = text.find_first_not_of(" \t\r\n");
    text = first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  }
  std::string result(text);
  for (const auto& [pattern, with] : replace_) result = pattern.replaced(result, with);
  return result;
}

}  // namespace tandem::comparison
