// Starts coroutines as asyncio tasks whose first step runs at once, without a turn of the loop: most requests never wait.
// From Python 3.12 on asyncio can do it. On 3.11 the loop's call_soon() is shadowed while the task is made, which catches
// the first step, and the step is then made here, in the task's own context: docs/decisions/0007-a-task-for-each-request.md
// Thread: the loop's.
#pragma once

#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

class EagerTasks {
 public:
  // False with a Python exception set.
  bool open(const Gil& gil, PyObject* loop);
  void close() { *this = EagerTasks(); }

  // `made` gets the task before the coroutine's first step, so that whatever runs in it finds it there. False with a Python
  // exception set when there is no task; the coroutine's own exceptions are the task's.
  bool start(const Gil& gil, PyObject* coroutine, Object& made) const;

 private:
  Object loop_, type_, keywords_, name_, capture_;
};

}  // namespace tandem::python
