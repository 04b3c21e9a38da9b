#include "report/html_page.hpp"

#include <gtest/gtest.h>

namespace tandem::report {
namespace {

TEST(HtmlPage, TextStaysText) {
  EXPECT_EQ(escaped("a < b & \"c\" 'd' >"), "a &lt; b &amp; &quot;c&quot; &#39;d&#39; &gt;");
  EXPECT_EQ(escaped("µs → ½"), "µs → ½");
  EXPECT_EQ(escaped(std::string_view("a\0b\x1B\tc\n", 7)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\tc\n");
}

TEST(HtmlPage, EveryPartEscapesWhatItIsGiven) {
  const std::string hostile = "<img src=x onerror=alert(1)>";
  for (const auto& html : {html_page(hostile, ""), section("id", hostile, ""), nothing_to_show(hostile), paragraph(hostile),
                           list({hostile}), html_table({hostile, {hostile}, {{hostile, hostile}}})}) {
    EXPECT_EQ(html.find("<img"), std::string::npos) << html;
    EXPECT_NE(html.find("&lt;img src=x onerror=alert(1)&gt;"), std::string::npos) << html;
  }
}

TEST(HtmlPage, IsOneFile) {
  const auto page = html_page("a title", "<p>body</p>");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_NE(page.find("<title>a title</title>"), std::string::npos);
  EXPECT_NE(page.find("<p>body</p>"), std::string::npos);
  EXPECT_NE(page.find("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""), std::string::npos);
  for (const auto* fetch : {"<script", "stylesheet", "<img", "@import", "url(", "http:", "https:"})
    EXPECT_EQ(page.find(fetch), std::string::npos) << fetch;
  for (const auto* wanted : {"prefers-color-scheme: dark", "@media print", "width=device-width"})
    EXPECT_NE(page.find(wanted), std::string::npos) << wanted;
}

TEST(HtmlPage, ATableHasHeadings) {
  const auto table = html_table({"a caption", {"metric", "value"}, {{"mean", "1 ms"}}});
  EXPECT_NE(table.find(">a caption</p>"), std::string::npos);
  EXPECT_NE(table.find("<th scope=\"col\">metric</th><th scope=\"col\">value</th>"), std::string::npos);
  EXPECT_NE(table.find("<th scope=\"row\">mean</th><td>1 ms</td>"), std::string::npos);
}

}  // namespace
}  // namespace tandem::report
