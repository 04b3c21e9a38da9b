#include "http/headers.hpp"

#include <array>

#include "base/ascii.hpp"

namespace tandem::http {
namespace {
struct Known {
  std::string_view name;
  Field id;
};
constexpr std::array<Known, 19> kKnown = {{{"host", Field::host},
                                           {"connection", Field::connection},
                                           {"content-length", Field::content_length},
                                           {"content-type", Field::content_type},
                                           {"transfer-encoding", Field::transfer_encoding},
                                           {"expect", Field::expect},
                                           {"cookie", Field::cookie},
                                           {"user-agent", Field::user_agent},
                                           {"accept", Field::accept},
                                           {"authorization", Field::authorization},
                                           {"x-request-id", Field::x_request_id},
                                           {"traceparent", Field::traceparent},
                                           {"tandem-arm", Field::tandem_arm},
                                           {"upgrade", Field::upgrade},
                                           {"forwarded", Field::forwarded},
                                           {"x-forwarded-for", Field::x_forwarded_for},
                                           {"te", Field::te},
                                           {"trailer", Field::trailer},
                                           {"keep-alive", Field::keep_alive}}};
}  // namespace

Field parse_field(std::string_view name) {
  for (const auto& known : kKnown)
    if (known.name.size() == name.size() && ascii::lower(name[0]) == known.name[0] &&
        ascii::equal_ignoring_case(known.name, name))
      return known.id;
  return Field::other;
}

std::string_view RequestHeaders::find(Field id) const {
  for (const auto& field : fields_)
    if (field.id == id) return field.value;
  return {};
}

std::string_view RequestHeaders::find(std::string_view name) const {
  for (const auto& field : fields_)
    if (ascii::equal_ignoring_case(field.name, name)) return field.value;
  return {};
}

bool is_field_value(std::string_view value) {
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

bool ResponseHeaders::add(std::string_view name, std::string_view value) {
  value = ascii::trim(value);
  if (!ascii::is_token(name) || !is_field_value(value)) return false;
  text_.reserve(text_.size() + name.size() + value.size() + 4);
  text_.append(name).append(": ").append(value).append("\r\n");
  return true;
}

std::string_view ResponseHeaders::find(std::string_view wanted) const {
  std::string_view found;
  for_each([&](std::string_view name, std::string_view value) {
    if (found.data() == nullptr && ascii::equal_ignoring_case(name, wanted))
      found = value.empty() ? std::string_view("") : value;
  });
  return found;
}

}  // namespace tandem::http
