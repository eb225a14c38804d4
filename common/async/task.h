// Task<T>: a coroutine that runs when awaited and hands its result to the one who awaits it.
//
//   Task<absl::StatusOr<Dossier>> Load(Code code) {
//     Command get = ...;
//     absl::StatusOr<Reply> reply = co_await redis.Execute(std::move(get), deadline);
//     ...
//     co_return dossier;
//   }
//
// Lazy: nothing runs before `co_await` (or Loop::Spawn, SyncWait, WhenAll). Move-only, awaited at most once, as
// an rvalue. Resumption is a symmetric transfer, so a long chain or loop of tasks needs no stack.
//
// Destroying a task that has not finished is safe while it is suspended: its frame, and with it every task it
// awaits and every timer or reply slot they registered, goes away. Do it on the loop that the task runs on.
//
// Exceptions never leave a task: one that would ends the process (errors travel as absl::Status).
//
// Thread-safety: none; a task belongs to the loop that runs it.
//
// Two rules GCC 12 imposes (it miscompiles the rest without a warning; checked by the lint test):
//   - no `{` and no `[` after `co_await` in the same statement: name the lambda or the struct first, then move it;
//   - a coroutine takes its parameters by value, or by reference to an owner that outlives it, and a lambda that
//     is itself a coroutine captures nothing.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace motcua::async {

template <class T>
class Task;

namespace internal {

class TaskPromiseBase {
 public:
  // Named so that no aggregate temporary lives across a suspension point.
  class FinalAwaiter {
   public:
    FinalAwaiter() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      return finished.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }
  void unhandled_exception() const noexcept { std::terminate(); }
  void set_continuation(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    result_.emplace(std::forward<U>(value));
  }
  T TakeResult() { return std::move(*result_); }

 private:
  std::optional<T> result_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void TakeResult() const noexcept {}
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Destroy();
      coroutine_ = std::exchange(other.coroutine_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { Destroy(); }

  // False when default-constructed or moved from; such a task must not be awaited.
  bool valid() const noexcept { return coroutine_ != nullptr; }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
      coroutine_.promise().set_continuation(awaiting);
      return coroutine_;
    }
    T await_resume() const { return coroutine_.promise().TakeResult(); }

   private:
    std::coroutine_handle<promise_type> coroutine_;
  };

  Awaiter operator co_await() && noexcept {
    assert(valid());
    return Awaiter(coroutine_);
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  void Destroy() noexcept {
    if (coroutine_) coroutine_.destroy();
  }

  std::coroutine_handle<promise_type> coroutine_ = nullptr;
};

namespace internal {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}

inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace internal
}  // namespace motcua::async
