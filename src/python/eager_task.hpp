// Starts coroutines as asyncio tasks whose first step runs at once, without a turn of the loop: most requests never wait.
// From Python 3.12 on asyncio can do it. On 3.11 the loop's call_soon() is shadowed while the task is made, which catches
// the first step, and the step is then made here, in the task's own context; and a task is entered into asyncio.all_tasks()
// only when it has to wait. Why: docs/decisions/0007-a-task-for-each-request.md
// Thread: the loop's.
#pragma once

#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

class EagerTasks {
 public:
  // False with a Python exception set.
  bool open(const Gil& gil, PyObject* loop);
  void close(const Gil& gil);

  // `made` gets the task before the coroutine's first step, so that whatever runs in it finds it there. False with a Python
  // exception set when there is no task; the coroutine's own exceptions are the task's.
  bool start(const Gil& gil, PyObject* coroutine, Object& made) const;

  // For a task that has not ended with its first step. False with a Python exception set.
  bool enroll(const Gil& gil, PyObject* task) const;

 private:
  Object loop_, type_, keywords_, name_;
  // On 3.11.
  Object capture_, all_tasks_, add_;
};

}  // namespace tandem::python
