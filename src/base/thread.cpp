#include "base/thread.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace tandem {

std::thread start_thread(const std::string& name, std::function<void()> body) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&blocked, number);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  std::thread thread(std::move(body));
  pthread_setname_np(thread.native_handle(), name.c_str());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace tandem
