// The Prometheus text exposition format 0.0.4 put together from several places: each family is one block, with its # HELP
// and # TYPE once, in the order of first appearance.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "observe/histogram.hpp"

namespace tandem::observe {

class PrometheusText {
 public:
  // Where the samples of that family are appended; valid as long as this object. `type` and `help` count the first time.
  std::string& family(std::string_view name, std::string_view type, std::string_view help);

  // Sorts the lines of an exposition into the families. Samples that stand under no # TYPE become an untyped family. A
  // series that is there already is added to: whole numbers only.
  void merge(std::string_view text);

  std::string text() const;

 private:
  struct Family {
    std::string name;
    std::string type;
    std::string help;  // escaped
    std::string samples;
  };
  Family& find_or_add(std::string_view name);

  std::deque<Family> families_;
};

// Appends `name{labels} value`. `labels` is what stands between the braces, and may be empty.
void append_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view value);
void append_sample(std::string& out, std::string_view name, std::string_view labels, std::int64_t value);

// Appends the _bucket, _sum and _count lines of a classic histogram in seconds. `borders_ns` ascend and are borders of
// Histogram's buckets, so that the counts are exact; a value that equals a border counts above it.
void append_histogram(std::string& out, std::string_view name, std::string_view labels, const Histogram::Snapshot& values,
                      std::span<const std::uint64_t> borders_ns);

// Exact decimal seconds without trailing zeros: 4096 ns is "0.000004096".
std::string format_seconds(std::uint64_t ns);

// `\` and newline escaped as the exposition format wants them in # HELP.
std::string escape_help(std::string_view text);

}  // namespace tandem::observe
