// Object owns one reference to a Python object, or none. Made, copied and destroyed only while the GIL is held.
#pragma once

#include <Python.h>

#include <utility>

namespace tandem::python {

class Object {
 public:
  Object() = default;
  static Object steal(PyObject* object) { return Object(object); }
  static Object borrow(PyObject* object) { return Object(Py_XNewRef(object)); }

  Object(Object&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Object(const Object& other) : object_(Py_XNewRef(other.object_)) {}
  Object& operator=(Object other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Object() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit Object(PyObject* object) : object_(object) {}

  PyObject* object_ = nullptr;
};

}  // namespace tandem::python
