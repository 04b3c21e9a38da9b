// Header fields on both sides of the server. RequestHeaders are views into the bytes the client sent; ResponseHeaders own
// one flat text that is already in wire form, so writing them is one append and an empty set costs nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::http {

// Fields the server itself reads; everything else is `other`. The numbers travel in the worker protocol: append only.
enum class Field : std::uint16_t {
  other = 0,
  host,
  connection,
  content_length,
  content_type,
  transfer_encoding,
  expect,
  cookie,
  user_agent,
  accept,
  authorization,
  x_request_id,
  traceparent,
  tandem_arm,
  upgrade,
  forwarded,
  x_forwarded_for,
  te,
  trailer,
  keep_alive
};

Field parse_field(std::string_view name);

struct HeaderView {
  Field id = Field::other;
  std::string_view name;   // as received
  std::string_view value;  // trimmed, bytes as received
};

// Order and repetition as received. The views live as long as the request they belong to.
class RequestHeaders {
 public:
  void add(Field id, std::string_view name, std::string_view value) { fields_.push_back({id, name, value}); }
  void clear() { fields_.clear(); }

  // The first field of that id or name; empty view with data() == nullptr when there is none.
  std::string_view find(Field id) const;
  std::string_view find(std::string_view name) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<HeaderView> fields_;
};

class ResponseHeaders {
 public:
  // False, with nothing added, when the name is no token or the value holds a control character (RFC 9110 §5.5), so that
  // no endpoint can split a response.
  bool add(std::string_view name, std::string_view value);

  // For text that was checked elsewhere: zero or more "Name: value\r\n".
  void append_wire(std::string_view lines) { text_.append(lines); }

  // The first value of that name (case-blind); data() == nullptr when there is none.
  std::string_view find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).data() != nullptr; }

  // "Name: value\r\n" for each field.
  std::string_view wire() const { return text_; }
  bool empty() const { return text_.empty(); }

  // Calls `visit(name, value)` for each field in order.
  template <class Visit>
  void for_each(Visit visit) const {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const auto end = rest.find("\r\n");
      const auto line = rest.substr(0, end);
      const auto colon = line.find(':');
      auto value = line.substr(colon + 1);
      if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      visit(line.substr(0, colon), value);
      rest.remove_prefix(end + 2);
    }
  }

 private:
  std::string text_;
};

// May this be a field value on the wire: no control bytes but tab, none of CR, LF, NUL (RFC 9110 §5.5).
bool is_field_value(std::string_view value);

}  // namespace tandem::http
