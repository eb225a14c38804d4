// Children: the coroutines that a part of the system has started and must outlive.
//
//   children_.Spawn(Acknowledge(...));
//   ...
//   co_await children_.Ended();   // the last thing that the part's Run does
//
// Thread-safety: confined to the loop.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <utility>

#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"

namespace motcua::async {

class Children {
 public:
  explicit Children(Loop& loop) : loop_(loop), changed_(loop) {}

  void Spawn(Task<void> task) {
    ++running_;
    loop_.Spawn(std::move(task), [this] {
      if (--running_ == 0) changed_.Set();
    });
  }

  // Returns when none runs any more, and their frames are gone. It does not end them: cancel them first.
  Task<void> Ended() {
    while (running_ > 0) {
      changed_.Reset();
      absl::Status ended = co_await changed_.Wait(absl::InfiniteFuture());
      (void)ended;
    }
  }

 private:
  Loop& loop_;
  Event changed_;
  size_t running_ = 0;
};

}  // namespace motcua::async
