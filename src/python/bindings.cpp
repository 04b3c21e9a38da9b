#include "python/bindings.hpp"

#include "python/current.hpp"
#include "python/embedded.hpp"
#include "python/function/async_executor.hpp"
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
  return std::string(request_id_of(request));
}

// log(level, logger, message)
PyObject* log(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  const CalledByPython gil;
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "log(level, logger, message)");
    return nullptr;
  }
  const long level = PyLong_AsLong(arguments[0]);
  if (level == -1 && PyErr_Occurred() != nullptr) return nullptr;
  control_channel->log(spdlog_level(level), utf8(gil, arguments[1]), utf8(gil, arguments[2]), current_request_id(gil));
  Py_RETURN_NONE;
}

// step(text): what the start does next.
PyObject* step(PyObject*, PyObject* text) {
  const CalledByPython gil;
  control_channel->send(frames::Type::starting, 0, utf8(gil, text));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"log", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(log)), METH_FASTCALL, nullptr},
    {"step", step, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_tandem", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

Object import_source(const char* name, const char* file, const char* source) {
  const auto code = Object::steal(Py_CompileString(source, file, Py_file_input));
  if (!code) return {};
  return Object::steal(PyImport_ExecCodeModuleEx(name, code.get(), file));
}

}  // namespace

extern "C" PyObject* make_bindings() {
  const CalledByPython gil;
  auto module = Object::steal(PyModule_Create(&definition));
  if (!module || !add_request_type(gil, module.get()) || !add_async_types(gil)) return nullptr;
  return module.release();
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
  return runtime;
}

}  // namespace tandem::python
