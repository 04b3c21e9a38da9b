// The interpreter token: whoever holds a Gil may touch Python. Every function that does takes `const Gil&` first.
// Stack only, never stored. HeldGil takes the lock around one batch of work, CalledByPython stands for the lock inside a
// function that the interpreter itself called, ReleasedGil gives the lock up for the length of a blocking wait.
#pragma once

#include <Python.h>

#include <cstddef>

namespace tandem::python {

class Gil {
 public:
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;
  static void* operator new(std::size_t) = delete;

 protected:
  Gil() = default;
  ~Gil() = default;
};

// The blocking way: waits until the interpreter is free. `state` is this thread's own, made once per thread.
class HeldGil final : public Gil {
 public:
  explicit HeldGil(PyThreadState* state) { PyEval_RestoreThread(state); }
  ~HeldGil() { PyEval_SaveThread(); }
};

class CalledByPython final : public Gil {};

class ReleasedGil {
 public:
  explicit ReleasedGil(const Gil&) : state_(PyEval_SaveThread()) {}
  ~ReleasedGil() { PyEval_RestoreThread(state_); }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  PyThreadState* state_;
};

// A thread's state in the interpreter: made on that thread, gone when the thread is done with Python.
// Thread: all calls on one thread, without the GIL.
class ThreadState {
 public:
  explicit ThreadState(PyInterpreterState* interpreter) : state_(PyThreadState_New(interpreter)) {}
  ~ThreadState() {
    PyEval_RestoreThread(state_);
    PyThreadState_Clear(state_);
    PyThreadState_DeleteCurrent();
  }
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  PyThreadState* get() const { return state_; }

 private:
  PyThreadState* state_;
};

}  // namespace tandem::python
