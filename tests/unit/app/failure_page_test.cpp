#include "app/failure_page.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tandem::app {
namespace {

constexpr const char* kMessage =
    "app-0 did not start (step: import shop): import shop: shop:app: ZeroDivisionError: division by zero\n"
    "Traceback (most recent call last):\n"
    "  File \"/srv/shop.py\", line 3, in <module>\n"
    "    import prices\n"
    "  File \"/srv/prices.py\", line 7, in <module>\n"
    "    <b> = 1 / 0\n"
    "ZeroDivisionError: division by zero\n";

TEST(Failure, IsReadFromTheMessageOfAPool) {
  const auto failure = parse_failure(kMessage);
  EXPECT_EQ(failure.summary, "ZeroDivisionError: division by zero");
  EXPECT_EQ(failure.file, "/srv/prices.py");
  EXPECT_EQ(failure.line, 7u);
  EXPECT_EQ(failure.traceback.find("Traceback (most"), 0u);
  EXPECT_EQ(failure.traceback.back(), 'o');
}

TEST(Failure, MayHaveNoTraceback) {
  const auto failure = parse_failure("app-0 did not start: the module \"shop\" has no \"app\"");
  EXPECT_EQ(failure.summary, "app-0 did not start: the module \"shop\" has no \"app\"");
  EXPECT_EQ(failure.traceback, "");
  EXPECT_EQ(failure.line, 0u);
  EXPECT_EQ(format_for_terminal(failure, false), failure.summary + "\n");
}

TEST(Failure, TakesTheLastOfSeveralErrors) {
  const auto failure = parse_failure(
      "x\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'a'\n\nDuring handling of the above "
      "exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\", line 2, in g\n"
      "    pass\nRuntimeError: b\n");
  EXPECT_EQ(failure.summary, "RuntimeError: b");
  EXPECT_EQ(failure.file, "b.py");
}

TEST(Failure, IsShownOnATerminal) {
  const auto failure = parse_failure(kMessage);
  const auto plain = format_for_terminal(failure, false);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(plain.find("    import prices\n"), std::string::npos);
  EXPECT_NE(plain.find("\n/srv/prices.py:7\n"), std::string::npos);
  const auto coloured = format_for_terminal(failure, true);
  EXPECT_NE(coloured.find("\x1b[1;31mZeroDivisionError: division by zero\x1b[0m\n"), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[36m  File \"/srv/prices.py\", line 7, in <module>\x1b[0m\n"), std::string::npos);
}

TEST(Failure, MovesNoCursor) {
  Failure failure;
  failure.summary = failure.traceback = "\tKeyError: \x1b[2J\a";
  EXPECT_EQ(format_for_terminal(failure, false), "\tKeyError: [2J\n");
}

TEST(Failure, IsShownInABrowserWithItsSource) {
  std::string directory = (std::filesystem::temp_directory_path() / "tandem-page-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const auto file = directory + "/shop.py";
  std::ofstream(file) << "one\n\nif a < b:\n    raise X\nfive\n";
  Failure failure;
  failure.summary = "X: <script>";
  failure.traceback = "  File \"" + file + "\", line 4, in <module>\nX: <script>";
  failure.file = file;
  failure.line = 4;
  const auto page = format_for_browser(failure, "shop:app", 17);
  std::filesystem::remove_all(directory);
  EXPECT_NE(page.find("<h1>X: &lt;script&gt;</h1>"), std::string::npos);
  EXPECT_EQ(page.find("X: <script>"), std::string::npos);
  EXPECT_NE(page.find("<i>3</i> if a &lt; b:\n<b><i>4</i>     raise X</b>\n<i>5</i> five\n"), std::string::npos) << page;
  EXPECT_NE(page.find("const number = \"17\""), std::string::npos);
  EXPECT_NE(page.find("shop:app can't be loaded"), std::string::npos);
}

}  // namespace
}  // namespace tandem::app
