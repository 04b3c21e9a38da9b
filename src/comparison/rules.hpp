// The settings of a comparison, compiled. Thread: any; immutable.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "comparison/json_path.hpp"
#include "comparison/pattern.hpp"
#include "comparison/settings.hpp"

namespace tandem::comparison {

class Rules {
 public:
  // Errors name the path or the pattern that is none.
  static Result<Rules> make(const Settings& settings);

  using Place = std::span<const Step>;
  bool ignores(Place place) const { return any(ignore_, place); }
  bool is_unordered(Place place) const { return any(unordered_, place); }
  bool redacts(Place place) const { return any(redact_, place); }
  bool redacts_something() const { return !redact_.empty(); }
  // The field by which elements of the array there are matched; null: none.
  const std::string* key_of(Place place) const;
  // Is one of the masks for this place matched by both texts?
  bool masks(Place place, const std::string& a, const std::string& b) const;
  // Are two numbers near enough?
  bool are_near(double a, double b) const;
  // The same of numbers whose distance is known better than they are; `largest`: the larger of their magnitudes.
  bool is_near(double distance, double largest) const;
  // A text body as it is compared.
  std::string normalised(std::string_view text) const;

  const Settings& settings() const { return settings_; }

 private:
  static bool any(const std::vector<JsonPath>& paths, Place place);

  Settings settings_;
  std::vector<JsonPath> ignore_;
  std::vector<JsonPath> unordered_;
  std::vector<JsonPath> redact_;
  std::vector<std::pair<JsonPath, std::string>> key_;
  std::vector<std::pair<JsonPath, Pattern>> mask_;
  std::vector<std::pair<Pattern, std::string>> replace_;
};

}  // namespace tandem::comparison
