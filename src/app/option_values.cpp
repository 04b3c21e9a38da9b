#include "app/option_values.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/ascii.hpp"
#include "config/cpus.hpp"
#include "config/listen.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"

namespace tandem::app {
namespace {

constexpr std::chrono::hours kLongest{24};

template <class Number>
bool parse_whole(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && end == text.data() + text.size() && error == std::errc();
}

}  // namespace

Result<net::ListenOptions> parse_address(const std::string& option, const std::string& text) {
  auto listen = config::parse_listen(text);
  if (!listen) return Error(option + ": " + listen.error().message);
  return listen;
}

Result<unsigned> parse_count(const std::string& option, const std::string& text) {
  if (text == "auto") return config::usable_cpus();
  unsigned number = 0;
  if (parse_whole(text, number) && number >= 1 && number <= 1024) return number;
  return Error(option + ": expected a number from 1 to 1024 or auto, got \"" + text + "\"");
}

Result<std::uint64_t> parse_number(const std::string& option, const std::string& text, std::uint64_t min,
                                   std::uint64_t max) {
  std::uint64_t number = 0;
  if (parse_whole(text, number) && number >= min && number <= max) return number;
  return Error(option + ": expected a number from " + std::to_string(min) + " to " + std::to_string(max) + ", got \"" +
               text + "\"");
}

Result<Milliseconds> parse_seconds(const std::string& option, const std::string& text) {
  double seconds = 0;
  const bool has_unit =
      text.size() > 1 && text.back() == 's' && ascii::is_digit(text[text.size() - 2]);  // "0.2s", not "250ms"
  if (parse_whole(has_unit ? text.substr(0, text.size() - 1) : text, seconds) && seconds >= 0 &&
      seconds <= std::chrono::seconds(kLongest).count())
    return Milliseconds(static_cast<Milliseconds::rep>(seconds * 1000));
  if (const auto duration = config::parse_duration(text); duration && *duration <= kLongest) return *duration;
  return Error(option + ": expected seconds, or a duration such as \"250ms\" or \"5m\", at most 24h, got \"" + text + "\"");
}

Result<std::string> parse_level(const std::string& option, const std::string& text) {
  static const std::vector<std::string> kLevels = {"trace", "debug", "info", "warn", "error", "critical", "off"};
  std::string level = text;
  std::transform(level.begin(), level.end(), level.begin(), ascii::lower);
  if (level == "warning") level = "warn";
  if (std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end()) return level;
  return Error(option + ": there is no level \"" + text + "\"" + config::did_you_mean(text, kLevels));
}

}  // namespace tandem::app
