#include "config/units.hpp"

#include <charconv>
#include <optional>
#include <span>

#include "base/ascii.hpp"

namespace tandem::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first.
constexpr Unit kDurations[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}};

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const auto& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

// "64k", "64KB", "64kib": what was meant, for the message.
std::string meant_size_unit(std::string_view name) {
  if (name.empty()) return {};
  for (const auto& unit : kSizes)
    if (ascii::lower(unit.name.front()) == ascii::lower(name.front())) return std::string(unit.name);
  return {};
}

struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
  bool overflow = false;
};

std::optional<Quantity> split(std::string_view text) {
  Quantity quantity;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (end == text.data()) return std::nullopt;
  quantity.overflow = error == std::errc::result_out_of_range;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return quantity;
}

std::string format(std::uint64_t value, std::span<const Unit> units) {
  for (const auto& unit : units)
    if (value != 0 && value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  return "0" + std::string(units.back().name);
}

}  // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  const auto* unit = quantity ? find_unit(kDurations, quantity->unit) : nullptr;
  if (quantity && quantity->unit.empty() && quantity->number == 0 && !quantity->overflow) return Milliseconds(0);
  if (!unit)
    return Error("expected a duration such as \"250ms\", \"30s\", \"5m\" or \"1h\", got \"" + std::string(text) + "\"");
  constexpr auto kMax = static_cast<std::uint64_t>(Milliseconds::max().count());
  if (quantity->overflow || quantity->number > kMax / unit->factor)
    return Error("\"" + std::string(text) + "\" is too long a duration");
  return Milliseconds(static_cast<Milliseconds::rep>(quantity->number * unit->factor));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto quantity = split(text);
  const auto* unit = quantity ? find_unit(kSizes, quantity->unit.empty() ? "B" : quantity->unit) : nullptr;
  if (!unit) {
    std::string message =
        "expected a size such as \"64KiB\", \"1MiB\" or a number of bytes, got \"" + std::string(text) + "\"";
    if (quantity && !quantity->overflow)
      if (const auto meant = meant_size_unit(quantity->unit); !meant.empty())
        message += " (did you mean \"" + std::to_string(quantity->number) + meant + "\"?)";
    return Error(message);
  }
  if (quantity->overflow || quantity->number > UINT64_MAX / unit->factor)
    return Error("\"" + std::string(text) + "\" is too large a size");
  return quantity->number * unit->factor;
}

std::string format_duration(Milliseconds duration) {
  return format(static_cast<std::uint64_t>(duration.count()), kDurations);
}

std::string format_size(std::uint64_t bytes) { return format(bytes, kSizes); }

}  // namespace tandem::config
