#include "loadgen/request_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/ascii.hpp"
#include "loadgen/target.hpp"

namespace tandem::loadgen {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxRequests = 100'000;

Error bad_glob(std::string_view glob, std::string_view why) {
  return Error("corpus.glob",
               std::string(glob).append(": ").append(why).append(R"( ("\[" and "\{" are the characters themselves))"));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string padded(std::uint64_t value, std::size_t width) {
  auto text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

bool is_letter(char c) { return ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z'; }

// "1-30", "10-30:5", "001-100", "a-z"
Result<std::vector<std::string>> expand_range(std::string_view range) {
  const auto dash = range.find('-'), colon = range.find(':');
  if (dash == std::string_view::npos || (colon != std::string_view::npos && colon < dash))
    return bad_glob("[" + std::string(range) + "]", "expected a range such as [1-30] or [a-z]");
  const auto first = range.substr(0, dash),
             last = range.substr(dash + 1, colon == std::string_view::npos ? colon : colon - dash - 1);
  const auto step =
      colon == std::string_view::npos ? std::optional<std::uint64_t>(1) : parse_number(range.substr(colon + 1));
  std::vector<std::string> words;
  if (!step || *step == 0) return bad_glob("[" + std::string(range) + "]", "the step is no number above 0");
  if (first.size() == 1 && last.size() == 1 && is_letter(first[0]) && is_letter(last[0]) && first[0] <= last[0]) {
    for (auto letter = static_cast<std::uint64_t>(first[0]); letter <= static_cast<std::uint64_t>(last[0]); letter += *step)
      words.emplace_back(1, static_cast<char>(letter));
    return words;
  }
  const auto begin = parse_number(first), end = parse_number(last);
  if (!begin || !end || *begin > *end)
    return bad_glob("[" + std::string(range) + "]", "expected a range such as [1-30] or [a-z]");
  if ((*end - *begin) / *step >= kMaxRequests) return bad_glob("[" + std::string(range) + "]", "more than 100,000 requests");
  const auto width = first.size() > 1 && first[0] == '0' ? first.size() : 0;
  for (auto value = *begin; value <= *end; value += *step) words.push_back(padded(value, width));
  return words;
}

std::vector<std::string> expand_list(std::string_view list) {
  std::vector<std::string> words(1);
  for (const char c : list) {
    if (c == ',')
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

// The words as a shell would cut them; a backslash before a glob's character stays for the glob.
Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool is_in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0 ? c == quote : c == '\'' || c == '"') {
      quote = quote != 0 ? '\0' : c;
      if (!is_in_word) words.emplace_back();
      is_in_word = true;
      continue;
    }
    if (quote == 0 && (c == ' ' || c == '\t')) {
      is_in_word = false;
      continue;
    }
    if (quote == 0 && c == '#' && !is_in_word) break;
    if (!is_in_word) words.emplace_back();
    is_in_word = true;
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < line.size() &&
                         std::string_view(quote == 0 ? "\\'\" \t#" : "\\\"").find(line[i + 1]) != std::string_view::npos;
    words.back() += escapes ? line[++i] : c;
  }
  if (quote != 0) return Error("corpus.quote", "a quotation mark is not closed");
  return words;
}

// The path and query of a URL, or what it is.
Result<std::string> target_of(const std::string& text) {
  if (text.starts_with('/')) return text;
  const auto url = parse_target(text);
  if (!url) return Error("corpus.target", "expected a path that begins with \"/\" or a URL, got \"" + text + "\"");
  return url->path.empty() ? std::string("/") : url->path;
}

bool is_method(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) return Error("corpus.file", "can't read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::pair<std::string, std::string>> parse_field(const std::string& text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (colon == std::string::npos || !ascii::is_token(name))
    return Error("corpus.field", "-H: expected 'name: value', got '" + text + "'");
  return std::pair{name, std::string(ascii::trim(std::string_view(text).substr(colon + 1)))};
}

Result<void> read_options(const std::vector<std::string>& words, std::size_t first, const std::string& folder,
                          PlannedRequest& request) {
  for (auto i = first; i < words.size(); i += 2) {
    const auto& option = words[i];
    if (option != "-H" && option != "-d") return Error("corpus.word", "expected -H or -d, got \"" + option + "\"");
    if (i + 1 == words.size()) return Error("corpus.word", option + " wants a value");
    const auto& value = words[i + 1];
    if (option == "-H") {
      auto field = parse_field(value);
      if (!field) return field.error();
      request.headers.push_back(std::move(*field));
    } else if (value.starts_with('@')) {
      auto body = read_file((std::filesystem::path(folder) / value.substr(1)).string());
      if (!body) return body.error();
      request.body = std::move(*body);
    } else {
      request.body = value;
    }
  }
  return {};
}

Result<void> parse_line(std::string_view line, const std::string& folder, std::vector<PlannedRequest>& requests) {
  const auto words = split_words(line);
  if (!words) return words.error();
  if (words->empty()) return {};
  PlannedRequest request;
  const bool has_method = is_method(words->front());
  if (has_method) request.method = words->front();
  if (has_method && words->size() == 1) return Error("corpus.word", "a path is missing behind " + words->front());
  if (auto read = read_options(*words, has_method ? 2 : 1, folder, request); !read) return read;
  if (!has_method && !request.body.empty()) request.method = "POST";
  const auto target = target_of((*words)[has_method ? 1 : 0]);
  if (!target) return target.error();
  auto targets = expand_globs(*target);
  if (!targets) return targets.error();
  for (auto& each : *targets) {
    if (each.find_first_of(" \t\r\n#") != std::string::npos)
      return Error("corpus.target", "\"" + each + "\" is no request target");
    request.target = std::move(each);
    requests.push_back(request);
  }
  return {};
}

// Fields of the recorded connection, which are not the request's own.
bool is_of_connection(std::string name) {
  static constexpr std::array<std::string_view, 13> kNames{"host",
                                                           "connection",
                                                           "content-length",
                                                           "transfer-encoding",
                                                           "keep-alive",
                                                           "upgrade",
                                                           "te",
                                                           "proxy-connection",
                                                           "accept-encoding",
                                                           "http2-settings",
                                                           "expect",
                                                           "if-none-match",
                                                           "if-modified-since"};
  for (auto& c : name) c = ascii::lower(c);
  return name.starts_with(':') || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const json& object, const char* name) {
  const auto* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// As a browser's form does (WHATWG URL, application/x-www-form-urlencoded).
std::string form_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          std::string_view("*-._").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain)
      encoded += c;
    else if (c == ' ')
      encoded += '+';
    else
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return encoded;
}

// HTTP Archive 1.2, postData: its text, or the fields of a form.
Result<std::string> content_of(const json& posted) {
  auto text = text_of(posted, "text");
  const auto* fields = member(posted, "params");
  if (!text.empty() || fields == nullptr || !fields->is_array() || fields->empty()) return text;
  const auto type = text_of(posted, "mimeType");
  if (!type.empty() && !type.starts_with("application/x-www-form-urlencoded"))
    return Error("corpus.har", "the body was recorded as fields of " + type + " only, and can't be made again");
  for (const auto& field : *fields)
    text += (text.empty() ? "" : "&") + form_encoded(text_of(field, "name")) + "=" + form_encoded(text_of(field, "value"));
  return text;
}

Result<PlannedRequest> parse_entry(const json& entry) {
  const auto* recorded = member(entry, "request");
  if (recorded == nullptr) return Error("corpus.har", "there is no request");
  PlannedRequest request;
  request.method = text_of(*recorded, "method");
  if (!ascii::is_token(request.method)) return Error("corpus.har", "\"" + request.method + "\" is no method");
  auto url = text_of(*recorded, "url");
  url = url.substr(0, url.find('#'));
  // The recorded server may have spoken TLS: its path is what counts.
  if (url.starts_with("https://")) url.erase(4, 1);
  auto target = target_of(url);
  if (!target) return target.error();
  request.target = std::move(*target);
  if (const auto* headers = member(*recorded, "headers"); headers != nullptr && headers->is_array())
    for (const auto& header : *headers) {
      auto name = text_of(header, "name"), value = text_of(header, "value");
      if (is_of_connection(name)) continue;
      if (!ascii::is_token(name) || value.find_first_of("\r\n") != std::string::npos)
        return Error("corpus.har", "\"" + name + "\" is no field");
      request.headers.emplace_back(std::move(name), std::move(value));
    }
  if (const auto* posted = member(*recorded, "postData")) {
    auto content = content_of(*posted);
    if (!content) return content.error();
    request.body = std::move(*content);
  }
  return request;
}

}  // namespace

Result<std::vector<std::string>> expand_globs(std::string_view text) {
  std::vector<std::string> done{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '[' && c != '{') {
      const bool is_escaped =
          c == '\\' && i + 1 < text.size() && std::string_view("[]{}").find(text[i + 1]) != std::string_view::npos;
      if (is_escaped) ++i;
      for (auto& each : done) each += text[i];
      continue;
    }
    const auto end = text.find(c == '[' ? ']' : '}', i);
    if (end == std::string_view::npos) return bad_glob(text.substr(i), "it is not closed");
    const auto inside = text.substr(i + 1, end - i - 1);
    auto words = c == '[' ? expand_range(inside) : Result<std::vector<std::string>>(expand_list(inside));
    if (!words) return words.error();
    if (done.size() * words->size() > kMaxRequests) return bad_glob(text, "more than 100,000 requests");
    std::vector<std::string> longer;
    longer.reserve(done.size() * words->size());
    for (const auto& each : done)
      for (const auto& word : *words) longer.push_back(each + word);
    done = std::move(longer);
    i = end;
  }
  return done;
}

Result<std::vector<PlannedRequest>> parse_request_lines(std::string_view text, const std::string& folder) {
  std::vector<PlannedRequest> requests;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (auto parsed = parse_line(line, folder, requests); !parsed)
      return Error(parsed.error().code, "line " + std::to_string(number) + ": " + parsed.error().message);
    if (requests.size() > kMaxRequests)
      return Error("corpus.size", "line " + std::to_string(number) + ": more than 100,000 requests");
  }
  return requests;
}

Result<std::vector<PlannedRequest>> parse_har(std::string_view text) {
  const auto document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return Error("corpus.har", "it is no valid JSON");
  const auto* log = member(document, "log");
  const auto* entries = log != nullptr ? member(*log, "entries") : nullptr;
  if (entries == nullptr || !entries->is_array())
    return Error("corpus.har", "it is no HTTP Archive: there is no log.entries");
  std::vector<PlannedRequest> requests;
  for (const auto& entry : *entries) {
    auto request = parse_entry(entry);
    if (!request)
      return Error(request.error().code, "entry " + std::to_string(requests.size() + 1) + ": " + request.error().message);
    requests.push_back(std::move(*request));
  }
  return requests;
}

Result<std::vector<PlannedRequest>> read_corpus(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  const auto first = text->find_first_not_of(" \t\r\n");
  const bool is_har = first != std::string::npos && (*text)[first] == '{';
  auto requests = is_har ? parse_har(*text) : parse_request_lines(*text, std::filesystem::path(path).parent_path().string());
  if (!requests) return Error(requests.error().code, path + ": " + requests.error().message);
  if (requests->empty()) return Error("corpus.empty", path + " holds no request");
  return requests;
}

}  // namespace tandem::loadgen
