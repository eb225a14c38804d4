// Cancellation: a CancelSource tells everything that holds one of its tokens to stop.
//
//   CancelSource cancel(loop);
//   loop.Spawn(Serve(cancel.token()));
//   ...
//   cancel.Cancel();          // any thread; what waits with the token resumes with CANCELLED
//
// Thread-safety: CancelSource::Cancel may be called from any thread; it takes effect on the loop (at once when
// called there, else by a post). Tokens may be copied and tested anywhere; CancelCallback is confined to the loop.
#pragma once

#include <absl/functional/any_invocable.h>

#include <atomic>
#include <memory>
#include <utility>

#include "common/async/intrusive_list.h"

namespace motcua::async {

class Loop;
class CancelCallback;

namespace internal {

struct CancelState {
  explicit CancelState(Loop& owner) : loop(owner) {}
  Loop& loop;
  std::atomic<bool> cancelled{false};
  IntrusiveList<CancelCallback> callbacks;
};

}  // namespace internal

// What an operation holds in order to learn that it is no longer wanted. Default-constructed: never
// cancelled.
class CancelToken {
 public:
  CancelToken() noexcept {}

  // True once the cancellation has taken effect on the loop.
  bool cancelled() const { return state_ != nullptr && state_->cancelled.load(std::memory_order_acquire); }
  // False for a token that no source can ever cancel.
  bool cancellable() const { return state_ != nullptr; }

 private:
  friend class CancelSource;
  friend class CancelCallback;
  explicit CancelToken(std::shared_ptr<internal::CancelState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::CancelState> state_;
};

// The other end. Destroying it does not cancel. The loop outlives it and its tokens' use.
class CancelSource {
 public:
  explicit CancelSource(Loop& loop) : state_(std::make_shared<internal::CancelState>(loop)) {}

  CancelToken token() const { return CancelToken(state_); }
  bool cancelled() const { return state_->cancelled.load(std::memory_order_acquire); }

  // Idempotent. Callbacks run on the loop, in the order in which they were registered.
  void Cancel();

 private:
  static void Deliver(internal::CancelState& state);

  std::shared_ptr<internal::CancelState> state_;
};

// Runs `on_cancel` on the loop if the token is cancelled while this object lives; registered by the
// constructor and withdrawn by the destructor, both O(1). A token already cancelled is *not* reported: test
// it first.
class CancelCallback : private ListNode {
 public:
  CancelCallback(const CancelToken& token, absl::AnyInvocable<void()> on_cancel);

 private:
  friend class CancelSource;
  friend class IntrusiveList<CancelCallback>;

  // Keeps the list this node is linked into alive.
  std::shared_ptr<internal::CancelState> state_;
  absl::AnyInvocable<void()> on_cancel_;
};

}  // namespace motcua::async
