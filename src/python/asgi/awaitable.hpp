// What receive() and send() give: an object that can be awaited, and passed to asyncio.create_task() as a coroutine can. One
// that need not wait gives its result at once; another awaits a future of the loop, again and again until there is a result.
// Thread: the asynchronous executor's, with the GIL.
#pragma once

#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

// What an awaitable asks, each time that it is about to wait.
class Source {
 public:
  enum class Want { message, room };

  // The result; empty without an exception set when it has to wait.
  virtual Object poll(const Gil& gil, Want want) = 0;
  // A future that is done when it is worth asking again.
  virtual Object wait(const Gil& gil, Want want) = 0;

 protected:
  ~Source() = default;
};

// `owner` is the Python object that keeps `source` alive.
Object make_awaitable(const Gil& gil, PyObject* owner, Source& source, Source::Want want);
// One that is done, with None.
Object done(const Gil& gil);
// As done(), in the loop's next round.
Object pause(const Gil& gil);

bool add_awaitable_type(const Gil& gil);

}  // namespace tandem::python
