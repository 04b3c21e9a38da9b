// Threads with a name.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace tandem {

// Starts a thread on which the server's signals are blocked: they belong to the main thread. At most 15 letters of the name
// count.
std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace tandem
