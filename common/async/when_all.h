// WhenAll: runs tasks side by side and resumes when the last has finished; results in the order of the tasks.
//
//   std::vector<Task<absl::Status>> sends; ...
//   std::vector<absl::Status> results = co_await WhenAll(std::move(sends));
//
// The tasks start in order, each up to its first suspension. Destroying the WhenAll task destroys them. How many
// run at once is the caller's bound.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/task.h"

namespace motcua::async {
namespace internal {

// Counts down; the last branch to finish resumes the one who waits.
class Countdown {
 public:
  explicit Countdown(size_t branches) : remaining_(branches + 1) {}

  std::coroutine_handle<> Arrive() noexcept {
    return --remaining_ == 0 ? continuation_ : std::noop_coroutine();
  }
  void Await(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }
  bool Last() noexcept { return --remaining_ == 0; }

 private:
  size_t remaining_;
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

// One task of the set. Reports at its final suspension, so its frame may be destroyed by the one it resumes.
class Branch {
 public:
  class promise_type {
   public:
    class FinalAwaiter {
     public:
      FinalAwaiter() noexcept {}
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> finished) const noexcept {
        return finished.promise().countdown_->Arrive();
      }
      void await_resume() const noexcept {}
    };

    Branch get_return_object() noexcept {
      return Branch(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }

   private:
    friend class Branch;
    Countdown* countdown_ = nullptr;
  };

  Branch(Branch&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Branch(const Branch&) = delete;
  Branch& operator=(const Branch&) = delete;
  ~Branch() {
    if (coroutine_) coroutine_.destroy();
  }

  void Start(Countdown& countdown) {
    coroutine_.promise().countdown_ = &countdown;
    coroutine_.resume();
  }

 private:
  explicit Branch(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  std::coroutine_handle<promise_type> coroutine_;
};

class AllBranches {
 public:
  AllBranches(std::vector<Branch>& branches, Countdown& countdown)
      : branches_(branches), countdown_(countdown) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    countdown_.Await(awaiting);
    for (Branch& branch : branches_) branch.Start(countdown_);
    return !countdown_.Last();
  }
  void await_resume() const noexcept {}

 private:
  std::vector<Branch>& branches_;
  Countdown& countdown_;
};

template <class T>
Branch RunBranch(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

inline Branch RunBranch(Task<void> task) { co_await std::move(task); }

}  // namespace internal

template <class T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> results(tasks.size());
  std::vector<internal::Branch> branches;
  branches.reserve(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    branches.push_back(internal::RunBranch(std::move(tasks[i]), &results[i]));
  }
  internal::Countdown countdown(branches.size());
  internal::AllBranches all(branches, countdown);
  co_await all;
  std::vector<T> values;
  values.reserve(results.size());
  for (std::optional<T>& result : results) values.push_back(*std::move(result));
  co_return values;
}

inline Task<void> WhenAll(std::vector<Task<void>> tasks) {
  std::vector<internal::Branch> branches;
  branches.reserve(tasks.size());
  for (Task<void>& task : tasks) branches.push_back(internal::RunBranch(std::move(task)));
  internal::Countdown countdown(branches.size());
  internal::AllBranches all(branches, countdown);
  co_await all;
}

}  // namespace motcua::async
