#include "python/wsgi/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/ascii.hpp"
#include "http/headers.hpp"
#include "python/object.hpp"

namespace tandem::python::wsgi {
namespace {

// The bytes that a native string stands for; false when it is no str or has chars that are no bytes. The view lives as long
// as `text`.
bool view_native(PyObject* text, std::string_view& view) {
  if (!PyUnicode_Check(text)) return false;
#if PY_VERSION_HEX < 0x030C0000
  if (PyUnicode_READY(text) != 0) return false;
#endif
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) return false;
  view = {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)), static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))};
  return true;
}

bool read_status(PyObject* text, int& status) {
  std::string_view view;
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "the status is a str such as \"200 OK\", not %s", Py_TYPE(text)->tp_name);
    return false;
  }
  const bool sane = view_native(text, view) && view.size() >= 3 &&
                    std::all_of(view.begin(), view.begin() + 3, ascii::is_digit) && (view.size() == 3 || view[3] == ' ') &&
                    http::is_field_value(view) && view[0] >= '2' && view[0] <= '9';
  if (!sane) {
    PyErr_Format(PyExc_ValueError, "the status is a final one such as \"200 OK\", not %R", text);
    return false;
  }
  std::from_chars(view.data(), view.data() + 3, status);
  return true;
}

// PEP 3333: "applications and middleware are forbidden from using HTTP/1.1 hop-by-hop features or headers". Many do all the
// same, `Connection: keep-alive` on event streams above all: as other servers do, theirs are left out.
bool is_hop_by_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "connection", "keep-alive",        "proxy-authenticate", "proxy-authorization",
      "te",         "transfer-encoding", "trailers",           "upgrade"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view one) { return ascii::equal_ignoring_case(one, name); });
}

bool read_content_length(std::string_view value, std::optional<std::uint64_t>& length) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() || number == UINT64_MAX) {
    PyErr_SetString(PyExc_ValueError, "the Content-Length is no number");
    return false;
  }
  if (length && *length != number) {
    PyErr_SetString(PyExc_ValueError, "there are several Content-Length fields, and they differ");
    return false;
  }
  length = number;
  return true;
}

bool read_field(Object field, Head& head) {
  if (!PyTuple_Check(field.get())) field = Object::steal(PySequence_Tuple(field.get()));
  if (!field) return false;
  std::string_view name, value;
  if (PyTuple_GET_SIZE(field.get()) != 2 || !view_native(PyTuple_GET_ITEM(field.get(), 0), name) ||
      !view_native(PyTuple_GET_ITEM(field.get(), 1), value)) {
    PyErr_Format(PyExc_TypeError, "a response header is a pair of str of Latin-1 characters, not %R", field.get());
    return false;
  }
  value = ascii::trim(value);
  if (!ascii::is_token(name) || !http::is_field_value(value)) {
    PyErr_Format(PyExc_ValueError, "the response header %R has a name or value that HTTP does not allow", field.get());
    return false;
  }
  if (name.size() == 14 && ascii::equal_ignoring_case(name, "content-length"))
    return read_content_length(value, head.content_length);
  if (is_hop_by_hop(name)) {
    head.left_out = name;
    return true;
  }
  head.lines.append(name).append(": ").append(value).append("\r\n");
  return true;
}

}  // namespace

void Head::clear() {
  status = 0;
  lines.clear();
  content_length.reset();
  left_out.clear();
}

bool Head::read(const Gil&, PyObject* status_text, PyObject* fields) {
  clear();
  int number = 0;
  if (!read_status(status_text, number)) return false;
  const auto all = Object::steal(PySequence_Fast(fields, "the response headers are a list of (name, value) pairs"));
  bool sane = static_cast<bool>(all);
  for (Py_ssize_t i = 0; sane && i < PySequence_Fast_GET_SIZE(all.get()); ++i)
    sane = read_field(Object::borrow(PySequence_Fast_GET_ITEM(all.get(), i)), *this);
  if (!sane) {
    clear();
    return false;
  }
  status = number;
  return true;
}

}  // namespace tandem::python::wsgi
