#include "python/wsgi/input.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "python/names.hpp"

namespace tandem::python::wsgi {
namespace {

// The body as far as it has been taken from the inbox and not been read.
struct Stream {
  ExchangePtr exchange;
  Executor* executor;
  std::string buffer;
  std::size_t read = 0;  // of the buffer
  bool ended = false;

  std::string_view unread() const { return std::string_view(buffer).substr(read); }
};

struct InputObject {
  PyObject ob_base;
  Stream stream;
};

PyTypeObject* input_type = nullptr;

Stream& stream_of(PyObject* self) { return reinterpret_cast<InputObject*>(self)->stream; }

// Waits for the next piece, and puts it behind what is unread. False with a Python exception set.
bool fetch(const Gil& gil, Stream& stream) {
  auto& exchange = *stream.exchange;
  if (exchange.over) {
    PyErr_SetString(PyExc_ValueError, "the request is over, its body can't be read any more");
    return false;
  }
  auto piece = stream.executor->inbox().take_piece(exchange);
  while (!piece) {
    if (!stream.executor->wait_for_piece(gil, exchange)) {
      // Frameworks know what an error of the stream is; that its time is up ends the request whatever they do.
      if (exchange.cancelled && !exchange.out_of_time && PyErr_ExceptionMatches(names().cancelled_type) != 0)
        PyErr_SetString(PyExc_ConnectionResetError, "the client has gone before all of the body had come");
      return false;
    }
    piece = stream.executor->inbox().take_piece(exchange);
  }
  stream.executor->grant(exchange, piece->size());
  stream.ended = piece->empty();
  if (stream.unread().empty()) {
    stream.buffer = std::move(*piece);
  } else {
    stream.buffer.erase(0, stream.read);
    stream.buffer.append(*piece);
  }
  stream.read = 0;
  return true;
}

PyObject* take(Stream& stream, std::size_t count) {
  const auto bytes = stream.unread().substr(0, count);
  stream.read += bytes.size();
  return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
}

// One optional argument: a number of bytes, None or a negative one for as many as there are.
bool parse_size(PyObject* const* arguments, Py_ssize_t count, const char* name, std::size_t& size) {
  size = SIZE_MAX;
  if (count > 1) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most one argument", name);
    return false;
  }
  if (count == 0 || arguments[0] == Py_None) return true;
  const auto number = PyNumber_AsSsize_t(arguments[0], PyExc_OverflowError);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  if (number >= 0) size = static_cast<std::size_t>(number);
  return true;
}

PyObject* read(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const CalledByPython gil;
  auto& stream = stream_of(self);
  std::size_t size = 0;
  if (!parse_size(arguments, count, "read", size)) return nullptr;
  while (stream.unread().size() < size && !stream.ended)
    if (!fetch(gil, stream)) return nullptr;
  return take(stream, size);
}

// A line with its end, at most `limit` bytes of it; b"" at the end of the body.
PyObject* next_line(const Gil& gil, Stream& stream, std::size_t limit) {
  std::size_t searched = 0;
  for (;;) {
    const auto unread = stream.unread();
    const auto end = unread.find('\n', searched);
    if (end != std::string_view::npos) return take(stream, std::min(end + 1, limit));
    searched = unread.size();
    if (searched >= limit || stream.ended) return take(stream, limit);
    if (!fetch(gil, stream)) return nullptr;
  }
}

PyObject* readline(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const CalledByPython gil;
  std::size_t limit = 0;
  if (!parse_size(arguments, count, "readline", limit)) return nullptr;
  return next_line(gil, stream_of(self), limit);
}

PyObject* readlines(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const CalledByPython gil;
  auto& stream = stream_of(self);
  std::size_t hint = 0;
  if (!parse_size(arguments, count, "readlines", hint)) return nullptr;
  if (hint == 0) hint = SIZE_MAX;  // as io.IOBase has it
  auto lines = Object::steal(PyList_New(0));
  for (std::size_t bytes = 0; lines && bytes < hint;) {
    const auto line = Object::steal(next_line(gil, stream, SIZE_MAX));
    if (!line) return nullptr;
    if (PyBytes_GET_SIZE(line.get()) == 0) break;
    bytes += static_cast<std::size_t>(PyBytes_GET_SIZE(line.get()));
    if (PyList_Append(lines.get(), line.get()) != 0) return nullptr;
  }
  return lines.release();
}

PyObject* next(PyObject* self) {
  const CalledByPython gil;
  auto line = Object::steal(next_line(gil, stream_of(self), SIZE_MAX));
  return line && PyBytes_GET_SIZE(line.get()) == 0 ? nullptr : line.release();
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  stream_of(self).~Stream();
  PyObject_Free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"read", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(read)), METH_FASTCALL, nullptr},
    {"readline", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(readline)), METH_FASTCALL, nullptr},
    {"readlines", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(readlines)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool load_input_type(const Gil&) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(next)},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {"tandem.wsgi.Input", sizeof(InputObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};
  input_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return input_type != nullptr;
}

Object make_input(const Gil&, ExchangePtr exchange, Executor& executor) {
  auto* input = PyObject_New(InputObject, input_type);
  if (input == nullptr) return {};
  new (&input->stream) Stream{std::move(exchange), &executor, {}, 0, false};
  return Object::steal(reinterpret_cast<PyObject*>(input));
}

}  // namespace tandem::python::wsgi
