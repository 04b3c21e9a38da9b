// Reads the hello message and imports what it names.
// Thread: the one that started the interpreter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

struct Loaded {
  std::string failure;  // JSON of the `failed` frame; empty: everything is there
  unsigned threads = 1;
  unsigned io_threads = 1;
  Program program;
  std::vector<bool> streamed;
  PyObject* runtime = nullptr;  // never released
};

Loaded load_program(const Gil& gil, std::string_view hello, bool in_server_process);

// The JSON of a `failed` frame.
std::string format_failure(std::string_view step, std::string_view message, std::string_view traceback = {});

}  // namespace tandem::python
