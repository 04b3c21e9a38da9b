#include "python/python_errors.hpp"

#include "python/function/answer.hpp"
#include "python/names.hpp"

namespace tandem::python {

Object take_exception(const Gil&) {
#if PY_VERSION_HEX >= 0x030C0000
  return Object::steal(PyErr_GetRaisedException());
#else
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr && value != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return Object::steal(value);
#endif
}

void restore_exception(const Gil&, Object exception) {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception.release());
#else
  PyObject* value = exception.release();
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(value))), value, PyException_GetTraceback(value));
#endif
}

std::string utf8(const Gil&, PyObject* text) {
  if (text == nullptr || !PyUnicode_Check(text)) return {};
  const auto bytes = Object::steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!bytes) {
    PyErr_Clear();
    return {};
  }
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

Failure take_failure(const Gil& gil, bool cancelled) {
  const auto exception = take_exception(gil);
  Failure failure;
  failure.code = cancelled ? "python.cancelled" : "python.exception";
  if (!exception) return failure;
  PyObject* arguments[] = {exception.get(), cancelled ? Py_True : Py_False};
  const auto described = Object::steal(PyObject_Vectorcall(names().describe_error, arguments, 2, nullptr));
  if (!described || PyTuple_GET_SIZE(described.get()) != 5) {
    // The description itself failed, or was cancelled.
    failure.traceback = take_error_text(gil);
    return failure;
  }
  PyObject* const* parts = &PyTuple_GET_ITEM(described.get(), 0);
  const long status = PyLong_AsLong(parts[0]);
  if (status >= 400 && status <= 599) failure.status = static_cast<int>(status);
  PyErr_Clear();
  failure.code = utf8(gil, parts[1]);
  failure.detail = utf8(gil, parts[2]);
  failure.traceback = utf8(gil, parts[3]);
  if (parts[4] != Py_None) {
    Fields fields;
    std::string problem;
    if (!fields.read(gil, parts[4], problem)) return bad_response("the headers of an HTTPError: " + problem);
    failure.headers = fields.lines.wire();
  }
  return failure;
}

Failure bad_response(std::string reason) {
  Failure failure;
  failure.code = "python.bad_response";
  failure.detail = "the endpoint returned no valid answer";
  failure.traceback = std::move(reason);
  return failure;
}

std::string take_error_text(const Gil& gil) {
  const auto exception = take_exception(gil);
  if (!exception) return {};
  const auto module = Object::steal(PyImport_ImportModule("traceback"));
  if (module) {
    const auto lines = Object::steal(PyObject_CallMethod(module.get(), "format_exception", "O", exception.get()));
    const auto empty = Object::steal(PyUnicode_FromString(""));
    if (lines && empty) {
      const auto text = Object::steal(PyUnicode_Join(empty.get(), lines.get()));
      if (text) return utf8(gil, text.get());
    }
  }
  PyErr_Clear();
  return Py_TYPE(exception.get())->tp_name;
}

void append_error(std::string& out, std::uint64_t id, const Failure& failure, const frames::Timing& timing) {
  frames::ErrorHead head;
  head.status = static_cast<std::uint16_t>(failure.status);
  head.timing = timing;
  std::string text;
  frames::Strings strings(text);
  head.code = strings.add(failure.code);
  head.detail = strings.add(failure.detail);
  head.traceback = strings.add(std::string_view(failure.traceback).substr(0, frames::kMaxBodyFrame));
  head.headers = strings.add(failure.headers);
  std::string payload(frames::bytes_of(head));
  payload.append(text);
  frames::append_frame(out, frames::Type::error, frames::kEnd, id, payload);
}

}  // namespace tandem::python
