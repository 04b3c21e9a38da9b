#include "python/bindings.hpp"

#include <pybind11/pybind11.h>

#include "python/asgi/awaitable.hpp"
#include "python/asgi/connection.hpp"
#include "python/asgi/http_connection.hpp"
#include "python/asgi/vocabulary.hpp"
#include "python/asgi/websocket_connection.hpp"
#include "python/async_executor.hpp"
#include "python/current.hpp"
#include "python/embedded.hpp"
#include "python/function/async_call.hpp"
#include "python/names.hpp"
#include "python/python_errors.hpp"
#include "python/request_type.hpp"

namespace tandem::python {
namespace {

ControlChannel* control_channel = nullptr;

// logging's 10, 20, 30, 40, 50 as spdlog's debug to critical.
int spdlog_level(long level) { return level < 10 ? 0 : level >= 50 ? 5 : static_cast<int>(level / 10); }

// The request that this code runs for: the thread's on a synchronous executor, the task's on the asynchronous one.
std::string current_request_id(const Gil&) {
  if (const auto id = CurrentRequest::id(); !id.empty()) return std::string(id);
  if (names().current_request == nullptr) return {};
  PyObject* request = nullptr;
  if (PyContextVar_Get(names().current_request, nullptr, &request) != 0) PyErr_Clear();
  const auto owner = Object::steal(request);
  const auto id = request_id_of(request);
  return std::string(id.empty() ? connection_id_of(request) : id);
}

// Strings come as Python objects: what is no text is shown with its repr rather than refused.
void log(long level, const pybind11::object& logger, const pybind11::object& message) {
  const CalledByPython gil;
  control_channel->log(spdlog_level(level), utf8(gil, logger.ptr()), utf8(gil, message.ptr()), current_request_id(gil));
}

void step(const pybind11::object& text) {
  const CalledByPython gil;
  control_channel->send(frames::Type::starting, 0, utf8(gil, text.ptr()));
}

Object import_source(const char* name, const char* file, const char* source) {
  const auto code = Object::steal(Py_CompileString(source, file, Py_file_input));
  if (!code) return {};
  return Object::steal(PyImport_ExecCodeModuleEx(name, code.get(), file));
}

}  // namespace

extern "C" PyObject* make_bindings() {
  const CalledByPython gil;
  static pybind11::module_::module_def definition;
  auto module = pybind11::module_::create_extension_module("_tandem", nullptr, &definition);
  module.def("log", log, pybind11::arg("level"), pybind11::arg("logger"), pybind11::arg("message"));
  module.def("step", step, pybind11::arg("text"), "What the start does next.");
  // The types of the hot path are written by hand: docs/decisions/0006-pybind11-off-the-hot-path.md
  if (!add_request_type(gil, module.ptr()) || !add_async_types(gil) || !add_stream_type(gil) || !add_awaitable_type(gil) ||
      !add_http_connection_type(gil) || !add_websocket_connection_type(gil))
    return nullptr;
  return module.release().ptr();
}

void set_control(ControlChannel* control) { control_channel = control; }

Object import_embedded(const Gil& gil) {
  const auto bindings = Object::steal(PyImport_ImportModule("_tandem"));
  if (!bindings) return {};
  const auto tandem = import_source("tandem", "<tandem>", kTandemSource);
  if (!tandem) return {};
  // Endpoints get the fast type under the name of the stand-in.
  const auto request = Object::steal(PyObject_GetAttrString(bindings.get(), "Request"));
  if (!request || PyObject_SetAttrString(tandem.get(), "Request", request.get()) != 0) return {};
  auto runtime = import_source("_tandem_runtime", "<tandem runtime>", kRuntimeSource);
  if (!runtime || !load_names(gil, tandem.get(), runtime.get())) return {};
  const auto asgi = import_source("_tandem_asgi", "<tandem asgi>", kAsgiSource);
  if (!asgi || !load_vocabulary(gil, asgi.get())) return {};
  const auto warmup = import_source("_tandem_warmup", "<tandem warmup>", kWarmupSource);
  if (!warmup) return {};
  return runtime;
}

}  // namespace tandem::python
