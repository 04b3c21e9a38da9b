// What an application says with start_response(): the status and the fields of its answer, checked (PEP 3333 "The
// start_response() Callable").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "python/gil.hpp"

namespace tandem::python::wsgi {

struct Head {
  int status = 0;     // 0: start_response() was not called
  std::string lines;  // "Name: value\r\n" for each field but Content-Length
  std::optional<std::uint64_t> content_length;
  std::string left_out;  // the last hop-by-hop field, which is not the application's to say

  void clear();
  // False with a Python exception set, and nothing read, when something in it may not go on the wire.
  bool read(const Gil& gil, PyObject* status_text, PyObject* fields);
};

}  // namespace tandem::python::wsgi
