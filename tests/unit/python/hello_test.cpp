#include "python/hello.hpp"

#include <gtest/gtest.h>

namespace tandem::python {
namespace {

TEST(Hello, FindsAStringOfTheTopLevelOnly) {
  const std::string_view json =
      R"({"endpoints": [{"home": "/inner"}], "name": "home", "x": {"home": "/x"}, "home" : "/venv", "z": 1})";
  EXPECT_EQ(find_top_level_string(json, "home"), "/venv");
  EXPECT_EQ(find_top_level_string(json, "name"), "home");
  EXPECT_EQ(find_top_level_string(json, "endpoints"), std::nullopt);
  EXPECT_EQ(find_top_level_string(json, "z"), std::nullopt);
}

TEST(Hello, NullIsNoString) { EXPECT_EQ(find_top_level_string(R"({"home":null,"pool":"python"})", "home"), std::nullopt); }

TEST(Hello, DecodesEscapes) {
  EXPECT_EQ(find_top_level_string(R"({"home":"\"\\\/\n\u00e9\ud83d\ude00"})", "home"), "\"\\/\n\u00e9\U0001f600");
}

TEST(Hello, SurvivesWhatIsCutOff) {
  for (const std::string_view json :
       {"", "{", "{\"", "{\"home", "{\"home\":\"", "{\"home\":\"\\", "{\"home\":\"\\u00", "]]"})
    find_top_level_string(json, "home");
}

}  // namespace
}  // namespace tandem::python
