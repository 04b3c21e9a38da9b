#include "python/asgi/awaitable.hpp"

#include <utility>

#include "python/python_errors.hpp"

namespace tandem::python {
namespace {

struct AwaitableObject {
  PyObject ob_base;
  PyObject* owner;  // nullptr: it is done, with None, however often it is awaited
  bool pauses;      // of one without an owner: it lets the loop go round first
  Source* source;
  Source::Want want;
  bool finished;
  PyObject* awaiting;  // the iterator of the future it waits for
};
PyTypeObject* awaitable_type = nullptr;
PyObject* done_already = nullptr;

AwaitableObject* as_awaitable(PyObject* self) { return reinterpret_cast<AwaitableObject*>(self); }

PySendResult finish(AwaitableObject& awaitable, PySendResult status) {
  awaitable.finished = true;
  Py_CLEAR(awaitable.awaiting);
  return status;
}

PySendResult awaitable_send(PyObject* self, PyObject* value, PyObject** result) {
  const CalledByPython gil;
  auto& awaitable = *as_awaitable(self);
  *result = nullptr;
  if (awaitable.owner == nullptr) {
    *result = Py_NewRef(Py_None);
    return std::exchange(awaitable.pauses, false) ? PYGEN_NEXT : PYGEN_RETURN;
  }
  if (awaitable.finished) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    return PYGEN_ERROR;
  }
  for (;;) {
    if (awaitable.awaiting != nullptr) {
      const auto status = PyIter_Send(awaitable.awaiting, value, result);
      if (status == PYGEN_NEXT) return status;
      if (status == PYGEN_ERROR) return finish(awaitable, status);
      Py_CLEAR(*result);
      Py_CLEAR(awaitable.awaiting);
      value = Py_None;
    }
    *result = awaitable.source->poll(gil, awaitable.want).release();
    if (*result != nullptr) return finish(awaitable, PYGEN_RETURN);
    if (PyErr_Occurred() != nullptr) return finish(awaitable, PYGEN_ERROR);
    const auto future = awaitable.source->wait(gil, awaitable.want);
    if (future) awaitable.awaiting = Py_TYPE(future.get())->tp_as_async->am_await(future.get());
    if (awaitable.awaiting == nullptr) return finish(awaitable, PYGEN_ERROR);
  }
}

PyObject* as_iteration(PySendResult status, PyObject* result) {
  if (status != PYGEN_RETURN) return result;
  const auto value = Object::steal(result);
  // No tuple and no exception: both would be taken apart.
  PyErr_SetObject(PyExc_StopIteration, value.get());
  return nullptr;
}

PyObject* awaitable_next(PyObject* self) {
  PyObject* result = nullptr;
  const auto status = awaitable_send(self, Py_None, &result);
  return as_iteration(status, result);
}

PyObject* awaitable_send_method(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  const auto status = awaitable_send(self, value, &result);
  return as_iteration(status, result);
}

PyObject* awaitable_throw(PyObject* self, PyObject* arguments) {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  if (PyArg_UnpackTuple(arguments, "throw", 1, 3, &type, &value, &traceback) == 0) return nullptr;
  finish(*as_awaitable(self), PYGEN_ERROR);
  if (PyExceptionInstance_Check(type)) {
    PyErr_SetObject(PyExceptionInstance_Class(type), type);
  } else if (PyExceptionClass_Check(type)) {
    PyErr_SetObject(type, value);
  } else {
    PyErr_SetString(PyExc_TypeError, "throw() takes an exception");
  }
  return nullptr;
}

PyObject* awaitable_close(PyObject* self, PyObject*) {
  finish(*as_awaitable(self), PYGEN_RETURN);
  Py_RETURN_NONE;
}

void awaitable_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(as_awaitable(self)->awaiting);
  Py_XDECREF(as_awaitable(self)->owner);
  PyObject_Free(self);
  Py_DECREF(type);
}

// inspect.getcoroutinestate() looks at these, and anyio with it.
PyObject* get_running(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_suspended(PyObject* self, void*) { return PyBool_FromLong(as_awaitable(self)->awaiting != nullptr); }
PyObject* get_none(PyObject*, void*) { Py_RETURN_NONE; }
// isinstance() believes it: anyio's task groups take only what inspect.iscoroutine() says yes to.
PyObject* get_class(PyObject*, void*) { return Py_NewRef(reinterpret_cast<PyObject*>(&PyCoro_Type)); }

AwaitableObject* make(PyObject* owner, Source* source, Source::Want want) {
  auto* awaitable = PyObject_New(AwaitableObject, awaitable_type);
  if (awaitable == nullptr) return nullptr;
  awaitable->owner = Py_XNewRef(owner);
  awaitable->pauses = false;
  awaitable->source = source;
  awaitable->want = want;
  awaitable->finished = false;
  awaitable->awaiting = nullptr;
  return awaitable;
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

PyGetSetDef attributes[] = {
    {"cr_running", get_running, nullptr, nullptr, nullptr}, {"cr_suspended", get_suspended, nullptr, nullptr, nullptr},
    {"cr_frame", get_none, nullptr, nullptr, nullptr},      {"cr_code", get_none, nullptr, nullptr, nullptr},
    {"cr_await", get_none, nullptr, nullptr, nullptr},      {"__class__", get_class, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef methods[] = {
    {"send", awaitable_send_method, METH_O, nullptr},
    {"throw", awaitable_throw, METH_VARARGS, nullptr},
    {"close", awaitable_close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

Object make_awaitable(const Gil&, PyObject* owner, Source& source, Source::Want want) {
  return Object::steal(reinterpret_cast<PyObject*>(make(owner, &source, want)));
}

Object done(const Gil&) { return Object::borrow(done_already); }

// asyncio's tasks take a None that is yielded for asyncio.sleep(0).
Object pause(const Gil&) {
  auto* awaitable = make(nullptr, nullptr, Source::Want::room);
  if (awaitable != nullptr) awaitable->pauses = true;
  return Object::steal(reinterpret_cast<PyObject*>(awaitable));
}

bool add_awaitable_type(const Gil&) {
  PyType_Slot slots[] = {{Py_tp_dealloc, slot(awaitable_dealloc)},
                         {Py_tp_iter, slot(PyObject_SelfIter)},
                         {Py_tp_iternext, slot(awaitable_next)},
                         {Py_am_await, slot(PyObject_SelfIter)},
                         {Py_am_send, slot(awaitable_send)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, attributes},
                         {0, nullptr}};
  PyType_Spec spec = {"_tandem.Awaitable", sizeof(AwaitableObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  awaitable_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (awaitable_type == nullptr) return false;
  done_already = reinterpret_cast<PyObject*>(make(nullptr, nullptr, Source::Want::room));
  return done_already != nullptr;
}

}  // namespace tandem::python
