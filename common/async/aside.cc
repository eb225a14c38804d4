#include "common/async/aside.h"

#include <pthread.h>

#include <utility>

#include "common/async/event.h"

namespace motcua::async {

void Aside::Queue::Add(absl::AnyInvocable<void()> work) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!ended_) {
      works_.push_back(std::move(work));
      changed_.notify_one();
      return;
    }
  }
  work();
}

void Aside::Queue::Serve() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ended_ || !works_.empty(); });
    if (works_.empty()) return;
    absl::AnyInvocable<void()> work = std::move(works_.front());
    works_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void Aside::Queue::End() {
  std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  changed_.notify_one();
}

Aside::~Aside() {
  queue_->End();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<Aside::Queue> Aside::Starting() {
  if (!thread_.joinable()) {
    thread_ = std::thread([queue = queue_] {
      pthread_setname_np(pthread_self(), "motcua-aside");
      queue->Serve();
    });
  }
  return queue_;
}

Task<void> Aside::Run(absl::AnyInvocable<void()> work) {
  auto done = std::make_shared<Event>(loop_);
  Starting()->Add([this, work = std::move(work), done]() mutable {
    work();
    work = nullptr;
    loop_.Post([done = std::move(done)] { done->Set(); });
  });
  absl::Status waited = co_await done->Wait(absl::InfiniteFuture());
  (void)waited;
}

}  // namespace motcua::async
