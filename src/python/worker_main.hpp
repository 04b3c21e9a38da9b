// A Python worker: the other end of the sockets that the front's pool opens (docs/worker-protocol.md). It runs as the whole
// of a `tandem worker` process or on one thread of the server, and hardly knows which.
#pragma once

#include <vector>

namespace tandem::python {

// Serves until the front says drain, then gives 0; 1 when the start failed, which the front has been told. Takes the
// descriptors over. In a process of its own it also exits at once when the front is gone.
// Thread: blocks the caller's, which becomes Python's main thread. Once per process.
int worker_main(int control, std::vector<int> lanes, bool in_server_process);

}  // namespace tandem::python
