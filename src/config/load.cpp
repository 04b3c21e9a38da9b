#include "config/load.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/check.hpp"
#include "config/cpus.hpp"
#include "config/parse.hpp"

namespace tandem::config {
namespace {

namespace fs = std::filesystem;

// Takes no values, only finds out whether the text is JSON; what is wrong otherwise, and where.
class SyntaxCheck : public nlohmann::json_sax<Json> {
 public:
  explicit SyntaxCheck(std::string_view text) : text_(text) {}

  const std::optional<Problem>& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error) override {
    // `position` counts the bytes read, so it is one past the last byte of the token, which may show earlier tokens as well.
    const auto end = std::min(position, text_.size());
    auto start = end - (end > 0 ? 1 : 0);
    if (const auto size = token.size(); size > 0 && size <= end && text_.substr(end - size, size) == token) {
      start = end - size + last_token(token);
    }
    const auto found = position_at(text_, position > text_.size() ? text_.size() : start);
    problem_ = Problem{Place{"", found.line, found.column}, "this is not JSON: " + explanation(start, error.what())};
    return false;
  }

 private:
  // Deeper than any config; what comes later walks the document with the stack.
  static constexpr int kMaxDepth = 64;

  bool enter() {
    if (++depth_ <= kMaxDepth) return true;
    problem_ = Problem{Place{"", 1, 1}, "values are nested more than " + std::to_string(kMaxDepth) + " deep"};
    return false;
  }
  bool leave() {
    --depth_;
    return true;
  }

  // Where the last of some tokens begins; separators inside strings don't count.
  static std::size_t last_token(const std::string& tokens) {
    std::size_t start = 0;
    bool in_string = false;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i] == '"')
        in_string = !in_string;
      else if (in_string && tokens[i] == '\\')
        ++i;
      else if (!in_string && std::string_view(" \t\r\n{}[],:").find(tokens[i]) != std::string_view::npos)
        start = i + 1;
    }
    return start;
  }

  // nlohmann's text without its own prefix and position: "unexpected '}'; expected string literal".
  std::string explanation(std::size_t start, std::string message) const {
    const auto before = text_.substr(0, start).find_last_not_of(" \t\r\n");
    const char closing = start < text_.size() ? text_[start] : '\0';
    if (before != std::string_view::npos && text_[before] == ',' && (closing == '}' || closing == ']'))
      return std::string("a comma stands before \"") + closing + "\"";
    for (const std::string_view cut : {"] ", "column ", ": ", " - "})
      if (const auto found = message.find(cut); found != std::string::npos) message.erase(0, found + cut.size());
    // The text itself is at the position; the message only says what is wrong with it.
    if (const auto quote = message.find("; last read: '"); quote != std::string::npos) {
      const auto rest = message.find("'; expected", quote);
      message.erase(quote, rest == std::string::npos ? rest : rest + 1 - quote);
    }
    return message;
  }

  std::string_view text_;
  int depth_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace

Files::Files(fs::path working_directory, fs::path config_file) : working_directory_(std::move(working_directory)) {
  if (working_directory_.empty()) working_directory_ = fs::current_path();
  beside_config_ = (working_directory_ / config_file).lexically_normal().parent_path().parent_path();
}

fs::path Files::absolute(const std::string& path) const { return (working_directory_ / path).lexically_normal(); }

std::string Files::elsewhere(const std::string& path) const {
  const auto there = (beside_config_ / path).lexically_normal();
  std::error_code ignored;
  if (!fs::path(path).is_relative() || path.empty() || there == absolute(path) || !fs::exists(there, ignored)) {
    return fs::path(path).is_relative()
               ? " (relative paths start in the working directory, " + working_directory_.string() + ")"
               : "";
  }
  return " in the working directory, " + working_directory_.string() + ", but there is " + there.string() +
         ": start the server in " + beside_config_.string() + " or give the whole path";
}

std::vector<std::string> LoadResult::lines() const {
  std::vector<std::string> lines;
  for (const auto& problem : problems) lines.push_back(format_problem(file, problem));
  return lines;
}

LoadResult load_text(const std::string& text, const std::string& file, const LoadOptions& options) {
  LoadResult result;
  result.file = file;
  if (const auto nul = text.find('\0'); nul != std::string::npos) {  // the JSON parser takes it for the end of the text
    const auto position = position_at(text, nul);
    result.problems.push_back(Problem{Place{"", position.line, position.column}, "a NUL byte has no place in JSON"});
    return result;
  }
  SyntaxCheck syntax(text);
  if (!Json::sax_parse(text, &syntax, Json::input_format_t::json, true, true)) {
    result.problems.push_back(syntax.problem().value_or(Problem{Place{}, "this is not JSON"}));
    return result;
  }
  const auto json = Json::parse(text, nullptr, true, true);
  Reader reader(scan_positions(text), options.environment);
  const Surroundings surroundings{Files(options.working_directory, file), options.cpus > 0 ? options.cpus : usable_cpus()};
  auto config = parse_config(Value(reader, json, ""), surroundings);
  config.file = file;
  check(config, reader, options.native_endpoints);
  result.problems = reader.take_problems();
  if (result.problems.empty()) result.config = std::move(config);
  return result;
}

LoadResult load(const std::string& file, const LoadOptions& options) {
  constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
  LoadResult result;
  result.file = file;
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream.is_open()) {
    text.resize(kMaxBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) {
    result.problems.push_back({Place{}, std::string("can't be read: ") + std::strerror(errno != 0 ? errno : EIO)});
  } else if (text.size() > kMaxBytes) {
    result.problems.push_back({Place{}, "is larger than 16MiB, which no configuration is"});
  } else {
    return load_text(text, file, options);
  }
  return result;
}

}  // namespace tandem::config
