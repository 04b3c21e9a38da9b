#include "python/eager_task.hpp"

#include <utility>

#include "python/python_errors.hpp"

namespace tandem::python {
namespace {

#if PY_VERSION_HEX < 0x030C0000

struct Captured {
  Object step, context;
};
thread_local Captured captured;

// Stands in for call_soon(step, context=context).
PyObject* capture(PyObject*, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "call_soon() takes a callback");
    return nullptr;
  }
  captured.step = Object::borrow(arguments[0]);
  if (names != nullptr && PyTuple_GET_SIZE(names) == 1) captured.context = Object::borrow(arguments[count]);
  Py_RETURN_NONE;
}
PyMethodDef capture_method = {"call_soon", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(capture)),
                              METH_FASTCALL | METH_KEYWORDS, nullptr};

// Like contextvars.Context.run().
bool step_in_context(const Gil& gil, Captured first) {
  if (!first.step || !first.context) {
    PyErr_SetString(PyExc_RuntimeError, "the task did not schedule its first step");
    return false;
  }
  if (PyContext_Enter(first.context.get()) != 0) return false;
  const auto stepped = Object::steal(PyObject_CallNoArgs(first.step.get()));
  if (!stepped) {
    auto error = take_exception(gil);
    PyContext_Exit(first.context.get());
    restore_exception(gil, std::move(error));
    return false;
  }
  return PyContext_Exit(first.context.get()) == 0;
}

// Stands in for asyncio's WeakSet.add(task): two weak references to a task that nobody will see cost as much as the rest of
// it.
thread_local bool starting = false;
PyObject* add_unless_starting(PyObject* add, PyObject* task) {
  if (starting) Py_RETURN_NONE;
  return PyObject_CallOneArg(add, task);
}
PyMethodDef add_method = {"add", add_unless_starting, METH_O, nullptr};

PyObject* call_soon_name() {
  static PyObject* const name = PyUnicode_InternFromString("call_soon");
  return name;
}

#endif

}  // namespace

#if PY_VERSION_HEX < 0x030C0000

bool EagerTasks::open(const Gil&, PyObject* loop) {
  loop_ = Object::borrow(loop);
  const auto asyncio = Object::steal(PyImport_ImportModule("_asyncio"));
  if (!asyncio) return false;
  type_ = Object::steal(PyObject_GetAttrString(asyncio.get(), "Task"));
  name_ = Object::steal(PyUnicode_InternFromString("request"));
  keywords_ = Object::steal(Py_BuildValue("(ss)", "loop", "name"));
  capture_ = Object::steal(PyCFunction_New(&capture_method, nullptr));
  all_tasks_ = Object::steal(PyObject_GetAttrString(asyncio.get(), "_all_tasks"));
  if (all_tasks_) add_ = Object::steal(PyObject_GetAttrString(all_tasks_.get(), "add"));
  if (!type_ || !name_ || !keywords_ || !capture_ || !add_ || call_soon_name() == nullptr) return false;
  const auto shadow = Object::steal(PyCFunction_New(&add_method, add_.get()));
  return shadow && PyObject_SetAttrString(all_tasks_.get(), "add", shadow.get()) == 0;
}

void EagerTasks::close(const Gil&) {
  if (add_ && PyObject_DelAttrString(all_tasks_.get(), "add") != 0) PyErr_Clear();
  *this = EagerTasks();
}

bool EagerTasks::start(const Gil& gil, PyObject* coroutine, Object& made) const {
  if (PyObject_SetAttr(loop_.get(), call_soon_name(), capture_.get()) != 0) return false;
  PyObject* arguments[] = {nullptr, coroutine, loop_.get(), name_.get()};
  starting = true;
  made = Object::steal(PyObject_Vectorcall(type_.get(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, keywords_.get()));
  starting = false;
  if (PyObject_DelAttr(loop_.get(), call_soon_name()) != 0) return false;
  return made && step_in_context(gil, std::exchange(captured, Captured()));
}

bool EagerTasks::enroll(const Gil&, PyObject* task) const {
  return static_cast<bool>(Object::steal(PyObject_CallOneArg(add_.get(), task)));
}

#else

bool EagerTasks::open(const Gil&, PyObject* loop) {
  loop_ = Object::borrow(loop);
  const auto asyncio = Object::steal(PyImport_ImportModule("asyncio"));
  if (asyncio) type_ = Object::steal(PyObject_GetAttrString(asyncio.get(), "Task"));
  name_ = Object::steal(PyUnicode_InternFromString("request"));
  keywords_ = Object::steal(Py_BuildValue("(sss)", "loop", "name", "eager_start"));
  return type_ && name_ && keywords_;
}

void EagerTasks::close(const Gil&) { *this = EagerTasks(); }

bool EagerTasks::start(const Gil&, PyObject* coroutine, Object& made) const {
  PyObject* arguments[] = {nullptr, coroutine, loop_.get(), name_.get(), Py_True};
  made = Object::steal(PyObject_Vectorcall(type_.get(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, keywords_.get()));
  return static_cast<bool>(made);
}

bool EagerTasks::enroll(const Gil&, PyObject*) const { return true; }

#endif

}  // namespace tandem::python
