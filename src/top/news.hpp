// What a running server has told so far: the newest document of each kind, and whether there will be another.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::top {

using Json = nlohmann::ordered_json;

// Field names: docs/admin.md.
struct News {
  // An event of /api/v1/events, or the answer to a page that was asked for.
  void tell(std::string name, std::string_view json, TimePoint now);
  void lose(const Error& error) { loss = error.message; }

  // Null until told.
  const Json& document(std::string_view name) const;
  // Of all processes, in processors, between the last two looks; nothing before the second.
  std::optional<double> cpu() const;

  // By event or page: "status", "workers", "routes", "experiments", "report fib-port", "diffs fib-port", "stacks".
  std::map<std::string, Json, std::less<>> documents;
  std::string loss;       // why nothing comes any more; empty: it does
  TimePoint last{};       // when the newest event came
  std::size_t looks = 0;  // at the status of one process; from the second on it has rates

 private:
  struct Spent {
    double cpu_seconds = 0;
    double uptime_seconds = 0;
  };
  Spent before_;
  Spent now_;
};

}  // namespace tandem::top
