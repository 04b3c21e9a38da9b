#include "observe/prometheus_text.hpp"

#include <charconv>
#include <optional>

#include "observe/metrics.hpp"

namespace tandem::observe {

namespace {

// The first word of `text`, which is removed with the blanks around it.
std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return word;
}

// Do samples called `sample` belong to the family? Histograms and summaries have suffixes.
bool belongs(std::string_view sample, std::string_view family) {
  if (!sample.starts_with(family)) return false;
  const auto suffix = sample.substr(family.size());
  return suffix.empty() || suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Adds "name{labels} count" to the line of the same series; false when there is none, or one of them is no whole number.
bool add_to_series(std::string& samples, std::string_view line) {
  const auto series = line.substr(0, line.rfind(' ') + 1);
  std::size_t at = 0;
  while (!std::string_view(samples).substr(at).starts_with(series)) {
    at = samples.find('\n', at);
    if (at == std::string::npos || ++at == samples.size()) return false;
  }
  at += series.size();
  const auto length = samples.find('\n', at) - at;
  const auto before = parse_count(std::string_view(samples).substr(at, length));
  const auto added = parse_count(line.substr(series.size()));
  if (!before || !added) return false;
  samples.replace(at, length, std::to_string(*before + *added));
  return true;
}

}  // namespace

PrometheusText::Family& PrometheusText::find_or_add(std::string_view name) {
  for (auto& family : families_)
    if (family.name == name) return family;
  auto& added = families_.emplace_back();
  added.name = name;
  return added;
}

std::string& PrometheusText::family(std::string_view name, std::string_view type, std::string_view help) {
  auto& found = find_or_add(name);
  if (found.type.empty()) found.type = type;
  if (found.help.empty()) found.help = escape_help(help);
  return found.samples;
}

void PrometheusText::merge(std::string_view text) {
  Family* current = nullptr;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));

    auto rest = line;
    const auto first = take_word(rest);
    if (first.empty()) continue;
    if (first == "#") {
      const auto keyword = take_word(rest);
      if (keyword != "HELP" && keyword != "TYPE") continue;
      current = &find_or_add(take_word(rest));
      auto& field = keyword == "HELP" ? current->help : current->type;
      if (field.empty()) field = rest;
      continue;
    }
    const auto name = line.substr(0, line.find_first_of("{ \t"));
    if (current == nullptr || !belongs(name, current->name)) current = &find_or_add(name);
    if (!add_to_series(current->samples, line)) current->samples.append(line).append("\n");
  }
}

std::string PrometheusText::text() const {
  std::string out;
  for (const auto& family : families_) {
    if (!family.help.empty()) out.append("# HELP ").append(family.name).append(" ").append(family.help).append("\n");
    out.append("# TYPE ").append(family.name).append(" ").append(family.type.empty() ? "untyped" : family.type).append("\n");
    out.append(family.samples);
  }
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(value).append("\n");
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, std::int64_t value) {
  append_sample(out, name, labels, std::to_string(value));
}

void append_histogram(std::string& out, std::string_view name, std::string_view labels, const Histogram::Snapshot& values,
                      std::span<const std::uint64_t> borders_ns) {
  const auto bucket_name = std::string(name) + "_bucket";
  const auto bucket_labels = std::string(labels) + (labels.empty() ? "" : ",") + "le=\"";
  std::uint64_t below = 0;
  std::size_t at = 0;
  for (const auto border : borders_ns) {
    for (const auto end = Histogram::index_of(border); at < end; ++at) below += values.counts[at];
    append_sample(out, bucket_name, bucket_labels + format_seconds(border) + '"', std::to_string(below));
  }
  append_sample(out, bucket_name, bucket_labels + "+Inf\"", std::to_string(values.count));
  append_sample(out, std::string(name) + "_sum", labels, format_seconds(values.sum_ns));
  append_sample(out, std::string(name) + "_count", labels, std::to_string(values.count));
}

std::string format_seconds(std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  auto text = std::to_string(ns / kSecond);
  if (ns % kSecond == 0) return text;
  auto fraction = std::to_string(kSecond + ns % kSecond);  // its leading 1 keeps the zeros
  fraction[0] = '.';
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return text + fraction;
}

std::string escape_help(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string escape_label(std::string_view value) {
  std::string out;
  for (const char c : escape_help(value)) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace tandem::observe
