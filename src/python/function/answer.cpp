#include "python/function/answer.hpp"

#include <charconv>

#include "base/ascii.hpp"
#include "python/json_walk.hpp"
#include "python/names.hpp"

namespace tandem::python {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kBytes = "application/octet-stream";

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

// The bytes of a str in Latin-1, or of a bytes object.
bool latin1(PyObject* object, Object& owner, std::string_view& text) {
  if (PyUnicode_Check(object)) {
    owner = Object::steal(PyUnicode_AsLatin1String(object));
    if (!owner) {
      PyErr_Clear();
      return false;
    }
  } else if (PyBytes_Check(object)) {
    owner = Object::borrow(object);
  } else {
    return false;
  }
  text = {PyBytes_AS_STRING(owner.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(owner.get()))};
  return true;
}

// Appends what the buffer protocol shows of `object`.
bool append_buffer(std::string& out, PyObject* object) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) return false;
  out.append(static_cast<const char*>(view.buf), static_cast<std::size_t>(view.len));
  PyBuffer_Release(&view);
  return true;
}

bool append_text(std::string& out, PyObject* object) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text == nullptr) return false;
  out.append(text, static_cast<std::size_t>(size));
  return true;
}

void append_content_type(std::string& out, const Answer& answer, std::string_view fallback = {}) {
  const auto type = answer.content_type.empty() && !answer.fields.has_content_type ? fallback : answer.content_type;
  if (!type.empty()) out.append("Content-Type: ").append(type).append("\r\n");
}

}  // namespace

bool Fields::read(const Gil&, PyObject* headers, std::string& problem) {
  Object pairs;
  if (PyDict_CheckExact(headers)) {
    pairs = Object::steal(PyDict_Items(headers));
  } else {
    int has_items = PyObject_HasAttr(headers, names().items);
    pairs = has_items != 0 ? Object::steal(PyObject_CallMethodNoArgs(headers, names().items)) : Object::borrow(headers);
  }
  if (pairs) pairs = Object::steal(PySequence_List(pairs.get()));
  if (!pairs) {
    PyErr_Clear();
    problem = "headers are a " + type_name(headers) + ", expected a mapping or a list of pairs";
    return false;
  }
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(pairs.get()); ++i) {
    const auto pair = Object::steal(PySequence_Tuple(PyList_GET_ITEM(pairs.get(), i)));
    Object name_owner, value_owner;
    std::string_view name, value;
    if (!pair || PyTuple_GET_SIZE(pair.get()) != 2 || !latin1(PyTuple_GET_ITEM(pair.get(), 0), name_owner, name) ||
        !latin1(PyTuple_GET_ITEM(pair.get(), 1), value_owner, value)) {
      PyErr_Clear();
      problem = "a header is no pair of Latin-1 strings";
      return false;
    }
    if (ascii::equal_ignoring_case(name, "content-length")) {
      value = ascii::trim(value);
      std::uint64_t length = 0;
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
      if (value.empty() || parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() ||
          length == kUnknownLength) {
        problem = "the Content-Length is no number";
        return false;
      }
      content_length = length;
      continue;
    }
    has_content_type = has_content_type || ascii::equal_ignoring_case(name, "content-type");
    if (!lines.add(name, value)) {
      problem = "the header \"" + std::string(name.substr(0, 100)) + "\" has a name or value that HTTP does not allow";
      return false;
    }
  }
  return true;
}

bool Answer::read(const Gil& gil, PyObject* returned, Failure& failure) {
  Object content;  // keeps a Response's body while it is looked at
  PyObject* value = returned;
  const bool is_response = Py_TYPE(returned) == reinterpret_cast<PyTypeObject*>(names().response_type) ||
                           PyObject_TypeCheck(returned, reinterpret_cast<PyTypeObject*>(names().response_type));
  if (is_response) {
    const auto status_object = Object::steal(PyObject_GetAttr(returned, names().status));
    const auto headers = Object::steal(PyObject_GetAttr(returned, names().headers));
    const auto type = Object::steal(PyObject_GetAttr(returned, names().content_type));
    content = Object::steal(PyObject_GetAttr(returned, names().body));
    if (!status_object || !headers || !type || !content) {
      failure = take_failure(gil, false);
      return false;
    }
    const long number = PyLong_Check(status_object.get()) ? PyLong_AsLong(status_object.get()) : -1;
    if (number < 200 || number > 599) {
      PyErr_Clear();
      failure = bad_response("the status of a Response is a number from 200 to 599");
      return false;
    }
    status = static_cast<int>(number);
    std::string problem;
    if (headers.get() != Py_None && !fields.read(gil, headers.get(), problem)) {
      failure = bad_response(std::move(problem));
      return false;
    }
    if (type.get() != Py_None) {
      Object owner;
      std::string_view text;
      if (!latin1(type.get(), owner, text) || !fields.lines.add("Content-Type", text)) {
        failure = bad_response("the content_type is no text that HTTP allows");
        return false;
      }
      fields.has_content_type = true;
    }
    value = content.get();
  }

  std::string_view natural_type;
  if (PyDict_Check(value) || PyList_Check(value)) {
    kind = Body::json;
    natural_type = kJson;
  } else if (PyUnicode_Check(value)) {
    kind = Body::text;
    natural_type = kText;
  } else if (PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value)) {
    kind = Body::bytes;
    natural_type = kBytes;
  } else if (value == Py_None) {
    kind = Body::none;
    if (!is_response) status = 204;
  } else if (PyAsyncGen_CheckExact(value) || PyObject_HasAttr(value, names().aiter) != 0) {
    kind = Body::async_iterator;
  } else if (PyIter_Check(value)) {
    kind = Body::iterator;
  } else {
    failure = bad_response("the endpoint returned a " + type_name(value) +
                           ", expected dict, list, str, bytes, None, Response or a generator");
    if (PyCoro_CheckExact(value)) {
      // Else it would warn that nobody awaited it.
      const auto closed = Object::steal(PyObject_CallMethodNoArgs(value, names().close));
      if (!closed) PyErr_Clear();
    }
    return false;
  }
  if (!fields.has_content_type) content_type = natural_type;
  body = Object::borrow(value);
  return true;
}

bool KnownAnswer::encode(const Gil& gil, std::string& out, const Answer& answer, Failure& failure) {
  response_.begin(out);
  append_content_type(out, answer);
  out.append(answer.fields.lines.wire());
  response_.begin_body(out);
  bool encoded = true;
  switch (answer.kind) {
    case Answer::Body::json:
      encoded = append_json(gil, out, answer.body.get());
      break;
    case Answer::Body::text:
      encoded = append_text(out, answer.body.get());
      break;
    case Answer::Body::bytes:
      encoded = append_buffer(out, answer.body.get());
      break;
    default:
      break;
  }
  if (encoded) return true;
  response_.undo(out);
  failure = bad_response(take_error_text(gil));
  return false;
}

void KnownAnswer::finish(std::string& out, std::uint64_t id, const Answer& answer, const frames::Timing& timing) {
  response_.finish(out, id, answer.status, timing);
}

bool StreamWriter::add(const Gil&, PyObject* piece) {
  auto& pending = content_.pending();
  const auto before = pending.size();
  const bool text = PyUnicode_Check(piece);
  if (text ? !append_text(pending, piece) : !PyObject_CheckBuffer(piece) || !append_buffer(pending, piece)) {
    if (PyErr_Occurred() == nullptr)
      PyErr_Format(PyExc_TypeError, "a streamed body is made of bytes or str, not %s", Py_TYPE(piece)->tp_name);
    return false;
  }
  if (total_ == 0 && !head_sent_ && !answer_.fields.has_content_type) answer_.content_type = text ? kText : kBytes;
  total_ += pending.size() - before;
  if (answer_.fields.content_length && total_ > *answer_.fields.content_length) {
    PyErr_SetString(PyExc_ValueError, "the streamed body is longer than its Content-Length");
    return false;
  }
  return true;
}

void StreamWriter::append_head(std::string& out) {
  head_sent_ = true;
  std::string lines;
  append_content_type(lines, answer_, kBytes);
  lines.append(answer_.fields.lines.wire());
  append_streamed_head(out, exchange_.id, answer_.status, lines, answer_.fields.content_length.value_or(kUnknownLength));
}

bool StreamWriter::send(std::string& out) {
  if (!head_sent_) append_head(out);
  return content_.send(out);
}

bool StreamWriter::end(const Gil&, std::string& out, const frames::Timing& timing) {
  if (answer_.fields.content_length && total_ != *answer_.fields.content_length) {
    PyErr_SetString(PyExc_ValueError, "the streamed body is shorter than its Content-Length");
    return false;
  }
  if (!head_sent_) append_head(out);
  append_response_end(out, exchange_.id, timing);
  return true;
}

}  // namespace tandem::python
