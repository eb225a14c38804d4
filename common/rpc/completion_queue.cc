#include "common/rpc/completion_queue.h"

#include <chrono>

#include "absl/time/clock.h"

namespace motcua::rpc {
namespace {

// Seconds that cancelled calls have to end at the end of the queue; they take a moment.
constexpr int kLongestEnd = 10;

// A deadline that has passed: gRPC looks once at its sockets and does not wait.
gpr_timespec Past() { return gpr_inf_past(GPR_CLOCK_MONOTONIC); }

}  // namespace

CompletionQueue::CompletionQueue()
    : builder_(std::make_unique<grpc::ServerBuilder>()),
      queue_(builder_->AddCompletionQueue()),
      woken_(this) {}

CompletionQueue::~CompletionQueue() { Close(); }

size_t CompletionQueue::Run(void* tag, bool ok) {
  static_cast<Completion*>(tag)->OnCompletion(ok);
  return tag == woken_.tag() ? 0 : 1;
}

size_t CompletionQueue::Poll(size_t limit) {
  size_t count = 0;
  void* tag = nullptr;
  bool ok = false;
  while (count < limit && queue_->AsyncNext(&tag, &ok, Past()) == grpc::CompletionQueue::GOT_EVENT) {
    count += Run(tag, ok);
  }
  return count;
}

size_t CompletionQueue::Wait(absl::Duration timeout, size_t limit) {
  if (limit == 0) return 0;
  gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
  if (timeout != absl::InfiniteDuration()) {
    deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                            gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN));
  }
  void* tag = nullptr;
  bool ok = false;
  if (queue_->AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return 0;
  return Run(tag, ok);
}

// One alarm is under way at the most: it may be set again only when it has come.
void CompletionQueue::Wake() {
  if (!waking_.exchange(true, std::memory_order_acq_rel)) alarm_.Set(queue_.get(), Past(), woken_.tag());
}

void CompletionQueue::Woken(bool) { waking_.store(false, std::memory_order_release); }

void CompletionQueue::Close() {
  if (std::exchange(closed_, true)) return;
  void* tag = nullptr;
  bool ok = false;
  // A stream that breaks off is asked how it ended, which must not begin on a queue that was shut down.
  const gpr_timespec end =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(kLongestEnd, GPR_TIMESPAN));
  while (calls_ > 0 && queue_->AsyncNext(&tag, &ok, end) == grpc::CompletionQueue::GOT_EVENT) {
    static_cast<Completion*>(tag)->OnCompletion(ok);
  }
  queue_->Shutdown();
  while (queue_->Next(&tag, &ok)) static_cast<Completion*>(tag)->OnCompletion(ok);
}

}  // namespace motcua::rpc
