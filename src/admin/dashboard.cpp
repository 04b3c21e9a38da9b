#include "admin/dashboard.hpp"

#include <algorithm>
#include <string>

#include "base/ascii.hpp"

namespace tandem::admin {

namespace {

// No script but the page's own files, no other server, no frame. uPlot and the page set styles through the DOM, which
// style-src leaves alone.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

// Calls `visit` with each element of a list until it says true. Does any?
template <class Visit>
bool any_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (visit(ascii::trim(list.substr(0, comma)))) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

// RFC 9110 §12.5.3; a weight of 0 is a refusal. Preferences among what is accepted are left aside.
bool accepts_gzip(std::string_view accept_encoding) {
  return any_element(accept_encoding, [](std::string_view element) {
    const auto semicolon = element.find(';');
    if (!ascii::equal_ignoring_case(ascii::trim(element.substr(0, semicolon)), "gzip")) return false;
    if (semicolon == std::string_view::npos) return true;
    const auto weight = ascii::trim(element.substr(semicolon + 1));
    return weight.find_first_not_of("qQ=0. ") != std::string_view::npos;
  });
}

// RFC 9110 §13.1.2: weak comparison.
bool has_tag(std::string_view if_none_match, std::string_view tag) {
  return any_element(if_none_match, [tag](std::string_view element) {
    if (element.starts_with("W/")) element.remove_prefix(2);
    return element == "*" || element == tag;
  });
}

}  // namespace

std::optional<http::Response> find_dashboard_file(std::span<const DashboardFile> files, const http::Request& request) {
  const auto file =
      std::find_if(files.begin(), files.end(), [&request](const auto& one) { return one.path == request.path; });
  if (file == files.end()) return std::nullopt;
  const bool is_compressed = !file->gzip.empty() && accepts_gzip(request.headers.find("accept-encoding"));
  // Two representations, so two tags.
  const auto tag = file->tag.empty() ? "" : "\"" + std::string(file->tag) + (is_compressed ? "-gzip\"" : "\"");
  http::Response response(304);
  if (tag.empty() || !has_tag(request.headers.find("if-none-match"), tag)) {
    response = http::Response(200, file->type, is_compressed ? file->gzip : file->content);
    if (is_compressed) response.headers.add("Content-Encoding", "gzip");
  }
  if (!tag.empty()) response.headers.add("ETag", tag);
  response.headers.add("Vary", "Accept-Encoding");
  // A file below /assets/ has its content's hash in its name.
  response.headers.add("Cache-Control",
                       file->path.starts_with("/assets/") ? "private, max-age=31536000, immutable" : "no-cache");
  response.headers.add("Content-Security-Policy", kPolicy);
  return response;
}

}  // namespace tandem::admin
