#include "app/failure_page.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace tandem::app {
namespace {

constexpr unsigned kContextLines = 5;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// `  File "shop/main.py", line 7, in <module>`: the file and the line, or 0.
std::pair<std::string_view, unsigned> place_in(std::string_view line) {
  constexpr std::string_view kFile = "  File \"", kLine = "\", line ";
  const auto end = line.find(kLine);
  if (!line.starts_with(kFile) || end == std::string_view::npos) return {};
  unsigned number = 0;
  const auto digits = line.substr(end + kLine.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return {line.substr(kFile.size(), end - kFile.size()), number};
}

// Lines of a traceback that begin at the margin and are no heading: the error itself, and notes on it.
bool is_error_line(std::string_view line) {
  return !line.empty() && line.front() != ' ' && !line.starts_with("Traceback (") &&
         !line.starts_with("During handling of") && !line.starts_with("The above exception");
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  return out;
}

std::string source_around(const Failure& failure) {
  std::ifstream file(failure.file);
  if (!file.is_open() || failure.line == 0) return {};
  std::string html;
  std::string text;
  for (unsigned number = 1; number <= failure.line + kContextLines && std::getline(file, text); ++number) {
    if (number + kContextLines < failure.line) continue;
    const bool is_it = number == failure.line;
    html += (is_it ? "<b>" : "") + std::string("<i>") + std::to_string(number) + "</i> " + escaped(text) +
            (is_it ? "</b>" : "") + "\n";
  }
  if (html.empty()) return {};
  return "<h2>" + escaped(failure.file) + ":" + std::to_string(failure.line) + "</h2>\n<pre class=\"source\">" + html +
         "</pre>\n";
}

}  // namespace

Failure parse_failure(std::string_view message) {
  Failure failure;
  const auto first_line = message.find('\n');
  failure.summary = message.substr(0, first_line);
  if (first_line == std::string_view::npos) return failure;
  auto rest = message.substr(first_line + 1);
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  failure.traceback = rest;
  for (const auto line : lines_of(rest)) {
    if (const auto [file, number] = place_in(line); number > 0) {
      failure.file = file;
      failure.line = number;
    }
    if (is_error_line(line)) failure.summary = line;
  }
  return failure;
}

std::string format_for_terminal(const Failure& failure, bool colour) {
  const auto paint = [&](std::string_view code, std::string_view text) {
    std::string plain;
    std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
                 [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); });
    return colour && !code.empty() ? "\x1b[" + std::string(code) + "m" + plain + "\x1b[0m" : plain;
  };
  std::string out;
  for (const auto line : lines_of(failure.traceback))
    out += paint(place_in(line).second > 0 ? "36" : is_error_line(line) ? "1;31" : "", line) + "\n";
  if (failure.traceback.find(failure.summary) == std::string::npos) out += paint("1;31", failure.summary) + "\n";
  if (failure.line > 0) out += paint("1", failure.file + ":" + std::to_string(failure.line)) + "\n";
  return out;
}

std::string format_for_browser(const Failure& failure, std::string_view application, std::uint64_t number) {
  std::string trace;
  for (const auto line : lines_of(failure.traceback)) {
    const char* const mark = place_in(line).second > 0 ? "u" : is_error_line(line) ? "b" : nullptr;
    trace += mark ? "<" + std::string(mark) + ">" + escaped(line) + "</" + mark + ">\n" : escaped(line) + "\n";
  }
  if (!trace.empty()) trace = "<h2>Traceback</h2>\n<pre>" + trace + "</pre>\n";
  return R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>)" +
         escaped(failure.summary) +
         R"(</title>
<style>
  :root { color-scheme: light dark; --mark: #c0282d; --dim: #777; --box: #8881; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; color: var(--mark); overflow-wrap: anywhere; }
  h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; overflow-wrap: anywhere; }
  pre { font: 14px/1.45 ui-monospace, monospace; background: var(--box); padding: .8rem 1rem; overflow-x: auto; border-radius: 6px; }
  pre b { color: var(--mark); } pre u { text-decoration: none; font-weight: 600; } i { color: var(--dim); font-style: normal; }
  p { color: var(--dim); }
</style>
<p>)" + escaped(application) +
         R"( can't be loaded</p>
<h1>)" + escaped(failure.summary) +
         "</h1>\n" + source_around(failure) + trace + R"(<p>This page is replaced as soon as the code changes.</p>
<noscript><meta http-equiv="refresh" content="2"></noscript>
<script>
  const number = ")" +
         std::to_string(number) + R"(";
  const wait = () => fetch(location.href, { headers: { "Tandem-Page": number }, cache: "no-store" })
    .then(answer => answer.headers.get("Tandem-Page") === number ? wait() : location.reload())
    .catch(() => setTimeout(wait, 1000));
  wait();
</script>
</html>
)";
}

}  // namespace tandem::app
