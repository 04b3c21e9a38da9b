// Which answers of two arms count as the same (experiments.md §5.8), as plain values: what the config's `compare` says.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tandem::comparison {

struct Settings {
  enum class Text : std::uint8_t { exact, trim };
  // Equal if both match the pattern, for times and ids.
  struct Mask {
    std::string path;
    std::string pattern;
  };
  // Replaced in texts before they are compared.
  struct Replacement {
    std::string pattern;
    std::string with;
  };

  bool by_class = false;                                 // of statuses: 200 and 204 are the same
  std::vector<std::string> headers{"content-type"};      // fields that are compared, in small letters
  std::vector<std::string> ignore;                       // JSON paths: "$.generated_at", "$.items[*].id", "$.**.etag"
  std::vector<std::string> unordered;                    // arrays compared as multisets
  std::vector<std::pair<std::string, std::string>> key;  // arrays whose elements are matched by this field
  std::vector<Mask> mask;
  double absolute = 0;  // numbers are equal if |a − b| ≤ max(absolute, relative · max(|a|, |b|))
  double relative = 0;
  bool null_is_missing = false;
  bool extra_ok = false;  // the candidate may add members
  Text text = Text::exact;
  std::vector<Replacement> replace;  // in texts
  std::vector<std::string> redact;   // JSON paths whose values are kept in no sample
};

}  // namespace tandem::comparison
