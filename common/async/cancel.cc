#include "common/async/cancel.h"

#include "common/async/loop.h"

namespace motcua::async {

CancelCallback::CancelCallback(const CancelToken& token, absl::AnyInvocable<void()> on_cancel)
    : state_(token.state_), on_cancel_(std::move(on_cancel)) {
  if (state_ != nullptr) state_->callbacks.PushBack(*this);
}

void CancelSource::Cancel() {
  Loop& loop = state_->loop;
  if (!loop.InLoop()) {
    loop.Post([state = state_] { Deliver(*state); });
    return;
  }
  // A callback may destroy this source.
  std::shared_ptr<internal::CancelState> state = state_;
  Deliver(*state);
}

void CancelSource::Deliver(internal::CancelState& state) {
  if (state.cancelled.exchange(true, std::memory_order_acq_rel)) return;
  while (CancelCallback* callback = state.callbacks.PopFront()) {
    // Taken out first: the callback may destroy the object that holds it.
    absl::AnyInvocable<void()> on_cancel = std::move(callback->on_cancel_);
    on_cancel();
  }
}

}  // namespace motcua::async
