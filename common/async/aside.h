// Aside: long computations on a thread of their own, so that the loop goes on meanwhile.
//
// For what is rare and takes more than some milliseconds, such as compiling reference data. One after the
// other, in the order of asking.
//
// Thread-safety: Run on the loop; Post from any thread. Work that is queued when the Aside is destroyed is
// still done: the destructor waits for it.
#pragma once

#include <absl/functional/any_invocable.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "common/async/loop.h"
#include "common/async/task.h"

namespace motcua::async {

class Aside {
 public:
  explicit Aside(Loop& loop) : loop_(loop), queue_(std::make_shared<Queue>()) {}
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // Ends when `work` has run. `work` owns what it touches, because the task may be destroyed before.
  Task<void> Run(absl::AnyInvocable<void()> work);

  // Gives the last reference to something large away, whose destruction would hold the loop up.
  template <class T>
  std::shared_ptr<T> DroppedAside(std::shared_ptr<T> value) {
    T* const plain = value.get();
    return std::shared_ptr<T>(plain, Dropper<T>{Starting(), std::move(value)});
  }

 private:
  class Queue {
   public:
    // Does it at once where the thread has ended.
    void Add(absl::AnyInvocable<void()> work);
    void Serve();
    void End();

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<absl::AnyInvocable<void()>> works_;
    bool ended_ = false;
  };
  template <class T>
  struct Dropper {
    std::shared_ptr<Queue> queue;
    std::shared_ptr<T> value;
    void operator()(T*) {
      queue->Add([value = std::move(value)]() mutable { value.reset(); });
    }
  };

  // The queue, with its thread running.
  std::shared_ptr<Queue> Starting();

  Loop& loop_;
  const std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace motcua::async
