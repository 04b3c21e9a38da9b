// The one interpreter of the process: started isolated from the environment, with the standard library and site-packages of
// the configured Python, and finalized so that atexit functions run.
// Thread: all calls on the thread that made it.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "python/gil.hpp"

namespace tandem::python {

class Interpreter {
 public:
  // `home`: a virtual environment. The GIL is free afterwards.
  static Result<void> start(const std::optional<std::string>& home);

  // Runs atexit functions and waits for threads that are no daemons. `state`: as release() gave it.
  static void finish(PyThreadState* state);
};

}  // namespace tandem::python
