// Poller: another source of events that the loop's thread serves, and in which it sleeps while it has nothing
// to do: gRPC's completion queue (common/rpc/completion_queue.h).
//
// With a poller a turn of the loop is: sockets and timers; the poller's events, which run at once; posted
// work; the ready coroutines; what they wrote is flushed. Where a turn found nothing, the thread sleeps in
// Wait. What libuv waits for ends that sleep by way of a thread that only watches libuv's descriptor
// (loop.cc): one thing to block in, and nothing spins.
#pragma once

#include <absl/time/time.h>

#include <cstddef>

namespace motcua::async {

class Poller {
 public:
  virtual ~Poller() = default;

  // Runs what has happened, at most `limit` events, without waiting. Returns how many there were. On the
  // loop.
  virtual size_t Poll(size_t limit) = 0;
  // The same, but waits for the first of them: until there is one, until Wake, or until `timeout` has passed
  // (InfiniteDuration: without end). On the loop.
  virtual size_t Wait(absl::Duration timeout, size_t limit) = 0;
  // Ends the present Wait, or else the next one. Any thread.
  virtual void Wake() = 0;
  // When the loop's thread has ended and its coroutines are gone: takes what is still under way to its end.
  // On the thread that destroys the loop.
  virtual void Close() = 0;
};

}  // namespace motcua::async
