// SyncWait: runs a task on a loop and blocks the calling thread for its result. For main functions, command-line
// clients and tests; never on the loop itself, which it would stop for ever.
#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "common/async/loop.h"
#include "common/async/notification.h"
#include "common/async/task.h"

namespace motcua::async {
namespace internal {

template <class T>
Task<void> StoreResult(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

}  // namespace internal

// The task's frame is gone when this returns. The wait ends with the task: give the task its deadline.
template <class T>
T SyncWait(Loop& loop, Task<T> task) {
  assert(!loop.InLoop());
  std::optional<T> result;
  Notification done;
  loop.Spawn(internal::StoreResult(std::move(task), &result), [&done] { done.Notify(); });
  done.WaitForNotification();
  return *std::move(result);
}

inline void SyncWait(Loop& loop, Task<void> task) {
  assert(!loop.InLoop());
  Notification done;
  loop.Spawn(std::move(task), [&done] { done.Notify(); });
  done.WaitForNotification();
}

}  // namespace motcua::async
