#include "python/names.hpp"

#include <iterator>
#include <string>

#include "http/method.hpp"

namespace tandem::python {
namespace {
Names loaded;
}

const Names& names() { return loaded; }

bool load_names(const Gil&, PyObject* tandem, PyObject* runtime) {
  bool complete = true;
  const auto intern = [&](const char* text) {
    PyObject* name = PyUnicode_InternFromString(text);
    complete = complete && name != nullptr;
    return name;
  };
  const auto find = [&](PyObject* module, const char* attribute) -> PyObject* {
    if (!complete) return nullptr;
    PyObject* found = PyObject_GetAttrString(module, attribute);
    complete = found != nullptr;
    return found;
  };
  loaded.status = intern("status");
  loaded.headers = intern("headers");
  loaded.content_type = intern("content_type");
  loaded.body = intern("body");
  loaded.items = intern("items");
  loaded.close = intern("close");
  loaded.aiter = intern("__aiter__");
  loaded.cancel = intern("cancel");
  loaded.call_soon = intern("call_soon");
  loaded.create_future = intern("create_future");
  loaded.done = intern("done");
  loaded.set_result = intern("set_result");
  loaded.stop = intern("stop");
  loaded.throw_ = intern("throw");
  loaded.value = intern("value");
  loaded.response_type = find(tandem, "Response");
  loaded.cancelled_type = find(tandem, "Cancelled");
  loaded.headers_type = find(tandem, "Headers");
  loaded.query_params_type = find(tandem, "QueryParams");
  loaded.parse_cookies = find(tandem, "_parse_cookies");
  loaded.parse_json = find(tandem, "_parse_json");
  loaded.dump_json = find(runtime, "dump_json");
  loaded.describe_error = find(runtime, "describe_error");
  loaded.async_pieces = find(runtime, "async_pieces");
  loaded.send_stream = find(runtime, "send_stream");
  loaded.current_request = find(runtime, "current_request");
  loaded.empty_string = intern("");
  for (std::size_t i = 0; i < std::size(loaded.methods); ++i)
    loaded.methods[i] = intern(std::string(http::format_method(static_cast<http::Method>(i))).c_str());
  return complete;
}

}  // namespace tandem::python
