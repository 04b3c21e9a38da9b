#include "config/application.hpp"

#include "base/ascii.hpp"

namespace tandem::config {
namespace {

bool is_word_char(char c) {
  return c == '_' || ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

bool is_dotted_name(std::string_view text) {
  bool at_start = true;
  for (char c : text) {
    if (c == '.' ? at_start : !is_word_char(c) || (at_start && ascii::is_digit(c))) return false;
    at_start = c == '.';
  }
  return !at_start;
}

Result<void> check_application(const std::string& target) {
  const auto colon = target.find(':');
  auto attribute = colon == std::string::npos ? std::string("app") : target.substr(colon + 1);
  if (const auto call = attribute.find('('); call != std::string::npos && attribute.back() == ')') attribute.resize(call);
  if (is_dotted_name(target.substr(0, colon)) && is_dotted_name(attribute)) return {};
  return Error("expected \"module:application\", \"module:factory()\" or \"module\", got \"" + target + "\"");
}

Result<void> check_root_path(const std::string& path) {
  if (path.empty()) return {};
  if (path.front() != '/' || path.back() == '/')
    return Error("a root path begins with \"/\" and does not end with one, got \"" + path + "\"");
  if (path.find_first_of("?#") != std::string::npos) return Error("a root path holds no \"?\" and no \"#\"");
  return {};
}

}  // namespace tandem::config
