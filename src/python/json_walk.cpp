#include "python/json_walk.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "python/names.hpp"
#include "python/object.hpp"

namespace tandem::python {
namespace {

// Deeper values go to json.dumps, which knows cycles and the recursion limit.
constexpr int kMaxDepth = 100;

// What stands after the backslash: a letter, 'u' for \u00XX, 0 for bytes that are written as they are.
constexpr auto kEscapes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[static_cast<std::size_t>(c)] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t plain = 0;  // start of the bytes not yet copied
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) [[likely]]
      continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out.push_back('\\');
    out.push_back(escape);
    if (escape == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("00").push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.append(text, plain, text.size() - plain);
  out.push_back('"');
}

// False when the value, or something in it, is for json.dumps; no exception is set then.
bool walk(const Gil& gil, std::string& out, PyObject* value, int depth);

bool walk_string(std::string& out, PyObject* value) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(value, &size);
  if (text == nullptr) {
    PyErr_Clear();
    return false;
  }
  append_string(out, {text, static_cast<std::size_t>(size)});
  return true;
}

bool walk_integer(std::string& out, PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0) return false;
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number);
  out.append(digits, end.ptr);
  return true;
}

bool walk_float(std::string& out, PyObject* value) {
  const double number = PyFloat_AsDouble(value);
  if (std::isnan(number)) {
    out.append("NaN");
  } else if (std::isinf(number)) {
    out.append(number > 0 ? "Infinity" : "-Infinity");
  } else {
    char* text = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr);
    if (text == nullptr) {
      PyErr_Clear();
      return false;
    }
    out.append(text);
    PyMem_Free(text);
  }
  return true;
}

bool walk_dict(const Gil& gil, std::string& out, PyObject* value, int depth) {
  out.push_back('{');
  PyObject* key = nullptr;
  PyObject* item = nullptr;
  Py_ssize_t position = 0;
  bool first = true;
  while (PyDict_Next(value, &position, &key, &item) != 0) {
    if (!PyUnicode_CheckExact(key)) return false;
    if (!first) out.push_back(',');
    first = false;
    if (!walk_string(out, key)) return false;
    out.push_back(':');
    if (!walk(gil, out, item, depth)) return false;
  }
  out.push_back('}');
  return true;
}

bool walk(const Gil& gil, std::string& out, PyObject* value, int depth) {
  if (PyUnicode_CheckExact(value)) return walk_string(out, value);
  if (PyLong_CheckExact(value)) return walk_integer(out, value);
  if (PyFloat_CheckExact(value)) return walk_float(out, value);
  if (value == Py_None) return out.append("null"), true;
  if (value == Py_True) return out.append("true"), true;
  if (value == Py_False) return out.append("false"), true;
  if (depth == 0) return false;
  if (PyDict_CheckExact(value)) return walk_dict(gil, out, value, depth - 1);
  const bool list = PyList_CheckExact(value);
  if (!list && !PyTuple_CheckExact(value)) return false;
  out.push_back('[');
  const Py_ssize_t size = list ? PyList_GET_SIZE(value) : PyTuple_GET_SIZE(value);
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (i > 0) out.push_back(',');
    if (!walk(gil, out, list ? PyList_GET_ITEM(value, i) : PyTuple_GET_ITEM(value, i), depth - 1)) return false;
  }
  out.push_back(']');
  return true;
}

}  // namespace

bool append_json(const Gil& gil, std::string& out, PyObject* value) {
  const auto start = out.size();
  if (walk(gil, out, value, kMaxDepth)) return true;
  out.resize(start);
  const auto dumped = Object::steal(PyObject_CallOneArg(names().dump_json, value));
  if (!dumped) return false;
  char* text = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(dumped.get(), &text, &size) != 0) return false;
  out.append(text, static_cast<std::size_t>(size));
  return true;
}

}  // namespace tandem::python
