#include "app/dotenv.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"

namespace tandem::app {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

bool is_letter(char c) { return c == '_' || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z'); }
bool is_name_char(char c) { return is_letter(c) || ascii::is_digit(c) || c == '.' || c == '-'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

class Parser {
 public:
  Parser(std::string_view text, const config::Environment& environment) : text_(text), environment_(environment) {}

  Result<Variables> parse() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
    while (skip_to_statement())
      if (auto read = statement(); !read) return read.error();
    return std::move(variables_);
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (!done() && is_blank(text_[at_])) ++at_;
  }
  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  // Over empty lines and comments.
  bool skip_to_statement() {
    while (!done()) {
      skip_blanks();
      if (peek() == '#') skip_line();
      if (peek() != '\n') return !done();
      ++at_;
    }
    return false;
  }

  Error error(const std::string& message) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    return Error("line " + std::to_string(line) + ": " + message);
  }

  std::string_view word() {
    const auto start = at_;
    while (!done() && is_name_char(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Result<void> statement() {
    auto name = word();
    if (name == "export" && is_blank(peek())) {
      skip_blanks();
      name = word();
    }
    if (name.empty() || !is_letter(name.front())) return error("expected NAME=value");
    skip_blanks();
    if (peek() == '\n' || done()) return {};  // a name alone sets nothing
    if (peek() != '=') return error("expected \"=\" after \"" + std::string(name) + "\"");
    ++at_;
    skip_blanks();
    auto value = peek() == '\'' || peek() == '"' ? quoted() : Result<std::string>(bare());
    if (!value) return value.error();
    skip_blanks();
    if (peek() == '#') skip_line();
    if (!done() && peek() != '\n')
      return error("expected the end of the line after the value of \"" + std::string(name) + "\"");
    if (value->find('\0') != std::string::npos) return error("a NUL byte can't be in the environment");
    variables_.emplace_back(name, std::move(*value));
    return {};
  }

  // To the end of the line; " #" begins a comment.
  std::string bare() {
    const auto start = at_;
    std::size_t end = start;
    for (; !done() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '#' && at_ > start && is_blank(text_[at_ - 1])) break;
      if (text_[at_] == '#' && at_ == start) break;
      if (!is_blank(text_[at_])) end = at_ + 1;
    }
    return expanded(text_.substr(start, end - start));
  }

  Result<std::string> quoted() {
    const auto opening = at_;
    const char quote = text_[at_++];
    std::string value;
    std::size_t plain = 0;  // where in `value` the text begins that no escape has made
    const auto expand_plain = [&] {
      if (quote == '"') value.replace(plain, std::string::npos, expanded(std::string_view(value).substr(plain)));
    };
    for (; !done() && text_[at_] != quote; ++at_) {
      if (text_[at_] != '\\' || at_ + 1 >= text_.size()) {
        value.push_back(text_[at_]);
        continue;
      }
      const char c = text_[++at_];
      if (quote == '\'' && c != '\'' && c != '\\') {
        value.append({'\\', c});
        continue;
      }
      expand_plain();
      constexpr std::string_view kNames = "ntr", kMeanings = "\n\t\r";
      if (const auto known = kNames.find(c); quote == '"' && known != std::string_view::npos)
        value.push_back(kMeanings[known]);
      else if (c == quote || c == '\\' || c == '$')
        value.push_back(c);
      else
        value.append({'\\', c});
      plain = value.size();
    }
    if (done()) {
      at_ = opening;
      return error("the quote has no end");
    }
    ++at_;
    expand_plain();
    return value;
  }

  std::string look_up(std::string_view name) const {
    for (auto one = variables_.rbegin(); one != variables_.rend(); ++one)
      if (one->first == name) return one->second;
    return environment_ ? environment_(name).value_or("") : "";
  }

  std::string expanded(std::string_view text) const {
    std::string out;
    while (true) {
      const auto open = text.find("${");
      const auto close = open == std::string_view::npos ? open : text.find('}', open);
      if (close == std::string_view::npos) return out.append(text);
      const auto inside = text.substr(open + 2, close - open - 2);
      const auto dash = inside.find(":-");
      auto value = look_up(inside.substr(0, dash));
      if (value.empty() && dash != std::string_view::npos) value = inside.substr(dash + 2);
      out.append(text.substr(0, open)).append(value);
      text.remove_prefix(close + 1);
    }
  }

  std::string_view text_;
  const config::Environment& environment_;
  std::size_t at_ = 0;
  Variables variables_;
};

}  // namespace

Result<Variables> parse_dotenv(std::string_view text, const config::Environment& environment) {
  return Parser(text, environment).parse();
}

}  // namespace tandem::app
