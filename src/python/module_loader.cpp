#include "python/module_loader.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "python/bindings.hpp"
#include "python/python_errors.hpp"
#include "python/wsgi/gateway.hpp"

namespace tandem::python {
namespace {

Interface interface_of(std::string_view name) {
  if (name == "asgi") return Interface::asgi;
  return name == "wsgi" ? Interface::wsgi : Interface::function;
}

// True when Python answered as it should; takes the parts of the hello that C++ needs.
bool load(const Gil& gil, std::string_view hello, bool in_server_process, Loaded& loaded) {
  auto runtime = import_embedded(gil);
  if (!runtime) return false;
  loaded.runtime = runtime.release();
  const auto text = Object::steal(PyBytes_FromStringAndSize(hello.data(), static_cast<Py_ssize_t>(hello.size())));
  if (!text) return false;
  const auto result =
      Object::steal(PyObject_CallMethod(loaded.runtime, "load", "OO", text.get(), in_server_process ? Py_True : Py_False));
  if (!result) return false;
  PyObject* endpoints = nullptr;
  PyObject* failure = nullptr;
  if (PyArg_ParseTuple(result.get(), "IIOO", &loaded.threads, &loaded.io_threads, &endpoints, &failure) == 0) return false;
  if (failure != Py_None) {
    loaded.failure = utf8(gil, failure);
    return true;
  }
  for (Py_ssize_t i = 0; i < PyList_Size(endpoints); ++i) {
    Endpoint endpoint;
    int is_async = 0, takes_request = 0, streamed = 0, path_without_root = 0;
    const char* interface = nullptr;
    if (PyArg_ParseTuple(PyList_GetItem(endpoints, i), "OsppOpp", &endpoint.callable, &interface, &is_async, &takes_request,
                         &endpoint.root_path, &streamed, &path_without_root) == 0)
      return false;
    Py_INCREF(endpoint.callable);
    Py_INCREF(endpoint.root_path);
    endpoint.interface = interface_of(interface);
    endpoint.is_async = is_async != 0;
    endpoint.takes_request = takes_request != 0;
    endpoint.path_without_root = path_without_root != 0;
    loaded.program.push_back(endpoint);
    loaded.streamed.push_back(streamed != 0);
  }
  const bool has_wsgi = std::any_of(loaded.program.begin(), loaded.program.end(),
                                    [](const Endpoint& endpoint) { return endpoint.interface == Interface::wsgi; });
  if (has_wsgi && !wsgi::load(gil, loaded.runtime, loaded.threads > 1, !in_server_process)) return false;
  const bool has_async =
      std::any_of(loaded.program.begin(), loaded.program.end(), [](const Endpoint& endpoint) { return endpoint.is_async; });
  if (has_async) return true;  // the asynchronous executor warms up, on its loop
  const auto refused = Object::steal(PyObject_CallMethod(loaded.runtime, "warm_up", nullptr));
  if (refused && refused.get() != Py_None) loaded.failure = utf8(gil, refused.get());
  return static_cast<bool>(refused);
}

}  // namespace

Loaded load_program(const Gil& gil, std::string_view hello, bool in_server_process) {
  Loaded loaded;
  if (!load(gil, hello, in_server_process, loaded)) {
    const auto text = take_error_text(gil);
    loaded.failure = format_failure("interpreter", "the worker's own Python code failed", text);
  }
  return loaded;
}

std::string format_failure(std::string_view step, std::string_view message, std::string_view traceback) {
  return "{\"step\":\"" + json_escaped(step) + "\",\"message\":\"" + json_escaped(message) + "\",\"traceback\":\"" +
         json_escaped(traceback) + "\"}";
}

}  // namespace tandem::python
