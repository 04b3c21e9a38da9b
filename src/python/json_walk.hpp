// Python objects to JSON text, byte-equal to json.dumps(value, separators=(",", ":"), ensure_ascii=False) in UTF-8. Exact
// dicts, lists, tuples, strings, numbers, booleans and None are walked here; anything else makes the whole value go through
// json.dumps. A lone surrogate, which UTF-8 does not have, is written as its escape (\udc80).
#pragma once

#include <string>

#include "python/gil.hpp"

namespace tandem::python {

// False, with a Python exception set and `out` as it was, when json.dumps refuses the value.
bool append_json(const Gil& gil, std::string& out, PyObject* value);

}  // namespace tandem::python
