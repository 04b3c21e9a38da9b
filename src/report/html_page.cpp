#include "report/html_page.hpp"

namespace tandem::report {
namespace {

// Okabe and Ito's blue and orange, which all kinds of colour vision tell apart; on white their darker forms. Dark is for
// screens only: paper is white.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --box: #f4f6f8;
  --control: #0072b2; --candidate: #b34a00; --part1: #0072b2; --part2: #d98200; --part3: #56b4e9; --part4: #9aa4ae; --shade: #dfe9ef; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #14181d; --ink: #e6e9ed; --soft: #a3adb8; --line: #3a434d; --box: #1d232a;
    --control: #56b4e9; --candidate: #e69f00; --part1: #0072b2; --part2: #e69f00; --part3: #56b4e9; --part4: #77818c; --shade: #243440; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem 0.75rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 0.5rem; }
h2.arm { font-size: 1.35rem; border-top-width: 3px; }
p, ul { margin: 0.5rem 0; }
ul { padding-left: 1.25rem; }
li { margin: 0.25rem 0; }
.soft, figcaption, .caption, .nothing { color: var(--soft); }
.caption { font-size: 0.9rem; margin-bottom: -0.5rem; }
.goals { list-style: none; padding: 0; font-size: 1.05rem; }
.goals li { margin: 0.5rem 0; padding-left: 0.75rem; border-left: 3px solid var(--line); }
.scroll { overflow-x: auto; max-width: 100%; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; }
td { white-space: nowrap; }
td:last-child { white-space: normal; min-width: 16rem; max-width: 30rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
figure { flex: 1 1 20rem; max-width: 30rem; min-width: 0; margin: 0.5rem 0; }
figcaption { font-size: 0.9rem; }
@media (min-width: 54rem) {
  .figures > figure:only-child { flex: none; max-width: none; display: grid; grid-template-columns: 30rem minmax(0, 22rem); gap: 2rem; }
}
.chart { display: block; width: 100%; height: auto; }
.box { background: var(--box); border: 1px solid var(--line); padding: 0.25rem 1rem; font-size: 0.9rem; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink);
  paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
svg .middle { text-anchor: middle; }
svg .end-of { text-anchor: end; }
svg .strong { font-weight: 600; }
svg .soft { fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 0.7; }
svg .one { stroke: var(--soft); stroke-width: 1.4; }
svg .margin { fill: var(--shade); }
svg .interval { stroke: var(--candidate); stroke-width: 2; }
svg .end { fill: none; stroke: var(--candidate); stroke-width: 2; }
svg .mid { fill: var(--candidate); }
svg .noise { stroke: var(--control); stroke-width: 2.5; stroke-dasharray: 2 2; }
svg .band { fill: var(--candidate); fill-opacity: 0.18; }
svg .curve { fill: none; stroke: var(--candidate); stroke-width: 2; stroke-linejoin: round; }
svg .dot { fill: var(--page); stroke: var(--candidate); stroke-width: 2; }
svg .boundary { stroke: var(--control); stroke-width: 1.6; stroke-dasharray: 7 4; }
svg .mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 1.5 3; }
svg .heat { fill: var(--control); }
svg .heat1 { fill-opacity: 0.1; } svg .heat2 { fill-opacity: 0.22; } svg .heat3 { fill-opacity: 0.36; } svg .heat4 { fill-opacity: 0.52; }
svg .heat5 { fill-opacity: 0.68; } svg .heat6 { fill-opacity: 0.84; } svg .heat7 { fill-opacity: 1; }
svg .part { stroke: var(--page); stroke-width: 1; }
svg .part1 { fill: var(--part1); } svg .part2 { fill: var(--part2); } svg .part3 { fill: var(--part3); } svg .part4 { fill: var(--part4); }
svg .part5 { fill: var(--candidate); } svg .part6 { fill: var(--ink); }
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  .scroll { overflow: visible; } table { font-size: 8.5pt; } td:last-child { min-width: 6rem; } h2, h3 { break-after: avoid; }
  /* Flex boxes keep no heading: pictures stand in lines like words. A part that fits on a page is not torn. */
  .figures { display: block; } figure { display: inline-block; width: 48%; vertical-align: top; } .figures > figure:only-child { display: block; width: auto; }
  section, figure, tr, .goals li { break-inside: avoid; }
}
)";

std::string tagged(std::string_view open, std::string_view text, std::string_view close) {
  return std::string(open) + escaped(text) + std::string(close);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        // HTML knows no other control characters.
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
          safe += "\xEF\xBF\xBD";
        else
          safe += c;
    }
  }
  return safe;
}

std::string html_page(std::string_view title, std::string_view body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         std::string(kPagePolicy) + "\">\n<link rel=\"icon\" href=\"data:,\">\n<title>" + escaped(title) +
         "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<main>\n" + std::string(body) +
         "</main>\n</body>\n</html>\n";
}

std::string section(std::string_view id, std::string_view heading, std::string_view body) {
  return "<section aria-labelledby=\"" + std::string(id) + "\">\n" +
         tagged("<h2 id=\"" + std::string(id) + "\">", heading, "</h2>\n") + std::string(body) + "</section>\n";
}

std::string nothing_to_show(std::string_view why) { return tagged("<p class=\"nothing\">", why, "</p>\n"); }

std::string paragraph(std::string_view text) { return tagged("<p>", text, "</p>\n"); }

std::string list(const std::vector<std::string>& lines) {
  std::string text = "<ul>\n";
  for (const auto& line : lines) text += tagged("<li>", line, "</li>\n");
  return text + "</ul>\n";
}

std::string figure(std::string_view svg, std::string_view caption) {
  return "<figure>\n" + std::string(svg) + "<figcaption>" + std::string(caption) + "</figcaption>\n</figure>\n";
}

std::string figures(const std::vector<std::string>& all) {
  std::string text = "<div class=\"figures\">\n";
  for (const auto& one : all) text += one;
  return text + "</div>\n";
}

std::string html_table(const Table& table) {
  // Focusable, so that it can be scrolled from the keyboard.
  auto text = tagged("<p class=\"caption\">", table.caption, "</p>\n") +
              "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + escaped(table.caption) +
              "\">\n<table>\n<thead><tr>";
  for (const auto& column : table.columns) text += tagged("<th scope=\"col\">", column, "</th>");
  text += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (const auto& cell : row)
      text += &cell == &row.front() ? tagged("<th scope=\"row\">", cell, "</th>") : tagged("<td>", cell, "</td>");
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table>\n</div>\n";
}

}  // namespace tandem::report
