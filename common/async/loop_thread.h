// What the threads of a loop have in common.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace motcua::async::internal {

// `result`: libuv's, 0 or a negative errno. It fails here only when the process is out of descriptors or memory, or is
// wrong.
inline void Require(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "event loop: %s: %s\n", what, uv_strerror(result));
  std::abort();
}

// The main thread takes the signals; and libuv writes to sockets without MSG_NOSIGNAL, so a peer that went away
// would end the process with SIGPIPE.
inline void BlockSignals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) {
    sigdelset(&blocked, own_fault);
  }
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

}  // namespace motcua::async::internal
