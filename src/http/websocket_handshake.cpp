#include "http/websocket_handshake.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "http/problem.hpp"

namespace tandem::http {
namespace {

bool lists(std::string_view field, std::string_view wanted) {
  bool found = false;
  ascii::for_each_element(field, [&](std::string_view element) {
    if (ascii::equal_ignoring_case(element, wanted)) found = true;
  });
  return found;
}

bool any_field_lists(const Request& request, Field id, std::string_view wanted) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const HeaderView& field) { return field.id == id && lists(field.value, wanted); });
}

// The only field of that name; empty when there is none or more than one.
std::string_view only(const Request& request, std::string_view name) {
  std::string_view value;
  for (const auto& field : request.headers) {
    if (!ascii::equal_ignoring_case(field.name, name)) continue;
    if (!value.empty()) return {};
    value = field.value;
  }
  return value;
}

// 16 bytes in base64 (RFC 6455 §4.1).
bool is_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  key.remove_suffix(2);
  return std::all_of(key.begin(), key.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '+' || c == '/';
  });
}

Response upgrade_required(const Problem& problem, std::string_view request_id) {
  auto response = problem_response(problem, request_id);
  response.headers.add("Upgrade", "websocket");
  response.headers.add("Sec-WebSocket-Version", "13");
  return response;
}

}  // namespace

bool asks_for_websocket(const Request& request) {
  return request.headers.find(Field::upgrade).data() != nullptr && request.method == Method::get &&
         request.version == Version::http_1_1 && any_field_lists(request, Field::upgrade, "websocket") &&
         any_field_lists(request, Field::connection, "upgrade");
}

std::optional<Response> refuse_handshake(const Request& request, std::string_view request_id) {
  if (only(request, "sec-websocket-version") != "13")
    return upgrade_required(
        Problem(426, "websocket.bad_version", "this server speaks version 13 of the WebSocket protocol (RFC 6455)"),
        request_id);
  if (!is_key(only(request, "sec-websocket-key")))
    return problem_response(
        Problem(400, "websocket.bad_handshake", "Sec-WebSocket-Key must be there once: 16 bytes in base64"), request_id);
  if (request.body->content_length() != 0)
    return problem_response(Problem(400, "websocket.bad_handshake", "a WebSocket handshake has no body"), request_id);
  return std::nullopt;
}

Response websocket_required(std::string_view request_id) {
  return upgrade_required(Problem(426, "websocket.required", "this endpoint is a WebSocket"), request_id);
}

}  // namespace tandem::http
