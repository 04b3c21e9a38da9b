#include "app/dotenv.hpp"

#include <gtest/gtest.h>

namespace tandem::app {
namespace {

const config::Environment kEnvironment = [](std::string_view name) -> std::optional<std::string> {
  if (name == "HOME") return "/home/ada";
  return std::nullopt;
};

// "NAME=[value]" of each variable, or the error.
std::string read(std::string_view text) {
  const auto variables = parse_dotenv(text, kEnvironment);
  if (!variables) return variables.error().message;
  std::string all;
  for (const auto& [name, value] : *variables) all += (all.empty() ? "" : " ") + name + "=[" + value + "]";
  return all;
}

TEST(Dotenv, ReadsNamesAndValues) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"\n# nothing\n  # here\n", ""},
      {"A=1\nB=two words \n", "A=[1] B=[two words]"},
      {"A = 1\n  export  B=2\r\nC=3\r\n", "A=[1] B=[2] C=[3]"},
      {"A=\nB=", "A=[] B=[]"},
      {"A\nexport B\nC=1", "C=[1]"},
      {"A=a#b # c", "A=[a#b]"},
      {"A=# c", "A=[]"},
      {"A='x # y' # z", "A=[x # y]"},
      {"A=\"x # y\"", "A=[x # y]"},
      {"URL=postgres://u:p@h/db?x=y&z", "URL=[postgres://u:p@h/db?x=y&z]"},
      {"A='it\\'s \\n ${HOME}'", "A=[it's \\n ${HOME}]"},
      {"A=\"a\\nb\\t\\\"c\\\" \\\\ \\x\"", "A=[a\nb\t\"c\" \\ \\x]"},
      {"A='1\n2'\nB=3", "A=[1\n2] B=[3]"},
      {"A=1\nA=2", "A=[1] A=[2]"},
      {"\xEF\xBB\xBF"
       "A=1",
       "A=[1]"},
      {"export=1", "export=[1]"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(read(text), expected) << text;
}

TEST(Dotenv, ReplacesReferences) {
  EXPECT_EQ(read("A=${HOME}/x\nB=\"${A}/y\"\nC=${NONE}-${NONE:-d}-${HOME:-d}"),
            "A=[/home/ada/x] B=[/home/ada/x/y] C=[-d-/home/ada]");
  EXPECT_EQ(read("A=$HOME ${HOME"), "A=[$HOME ${HOME]");
  EXPECT_EQ(read("A=\"\\${HOME} ${HOME}\""), "A=[${HOME} /home/ada]");
}

TEST(Dotenv, SaysWhichLineIsWrong) {
  EXPECT_EQ(read("A=1\n=2"), "line 2: expected NAME=value");
  EXPECT_EQ(read("1A=2"), "line 1: expected NAME=value");
  EXPECT_EQ(read("A=1\n\nB C=1"), "line 3: expected \"=\" after \"B\"");
  EXPECT_EQ(read("A='1' 2"), "line 1: expected the end of the line after the value of \"A\"");
  EXPECT_EQ(read("A=1\nB=\"2\n3"), "line 2: the quote has no end");
}

}  // namespace
}  // namespace tandem::app
