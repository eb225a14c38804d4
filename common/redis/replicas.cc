#include "common/redis/replicas.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/async/when_all.h"
#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

// Who comes while replicas are slow waits for the end of such a WAIT first.
constexpr absl::Duration kWait = absl::Milliseconds(100);
// After a WAIT that could not be sent at all.
constexpr absl::Duration kPause = absl::Milliseconds(10);

}  // namespace

async::Task<absl::Status> Confirmations::Confirm(std::shared_ptr<Confirmations> self, std::string history,
                                                 std::string marker, absl::Time deadline,
                                                 async::CancelToken cancel) {
  const absl::Time until = std::min(deadline, absl::Now() + self->shared_->options.replica_patience);
  while (true) {
    if (self->link_->connected() && self->link_->history() != history) break;
    if (self->next_ == nullptr) self->next_ = std::make_shared<Batch>(self->link_->loop());
    const std::shared_ptr<Batch> batch = self->next_;
    batch->markers.insert(marker);
    if (!std::exchange(self->running_, true)) self->link_->loop().Spawn(Run(self));
    absl::Status waited = co_await batch->done.Wait(until, cancel);
    if (absl::IsCancelled(waited)) co_return internal::Cancelled();
    if (!waited.ok()) break;
    if (batch->confirmed && batch->history == history) co_return absl::OkStatus();
    if (absl::Now() >= until) break;
  }
  co_return internal::NotConfirmed();
}

async::Task<void> Confirmations::Run(std::shared_ptr<Confirmations> self) {
  // What becomes ready in this turn is one batch.
  co_await self->link_->loop().Schedule();
  while (self->next_ != nullptr) {
    const std::shared_ptr<Batch> batch = std::exchange(self->next_, nullptr);
    batch->history = self->link_->history();
    const uint64_t link = self->link_->link_number();
    const bool enough = co_await WaitForReplicas(self.get(), batch.get());
    batch->confirmed = enough && self->link_->link_number() == link;
    if (!batch->confirmed && !self->link_->closed()) {
      absl::Status slept = co_await self->link_->loop().Sleep(kPause);
      (void)slept;
    }
    batch->done.Set();
    // Those who were not confirmed come again.
    if (self->next_ == nullptr) co_await self->link_->loop().Schedule();
  }
  self->running_ = false;
}

async::Task<bool> Confirmations::WaitForReplicas(Confirmations* self, const Batch* batch) {
  if (!self->link_->connected()) co_return false;
  const absl::Time deadline = absl::Now() + 10 * kWait;
  int written = 0;
  std::vector<async::Task<void>> marks;
  for (const std::string& marker : batch->markers)
    marks.push_back(Mark(self->link_, marker, deadline, &written));
  const auto wait = [](Confirmations* waits, absl::Time until, int64_t* replicas) -> async::Task<void> {
    Command command("WAIT");
    command.Arg(waits->shared_->options.min_replicas).Arg(absl::ToInt64Milliseconds(kWait));
    absl::StatusOr<Reply> reply = co_await Pipeline::Ask(waits->link_, std::move(command), until);
    if (reply.ok()) *replicas = reply->integer();
  };
  int64_t replicas = 0;
  marks.push_back(wait(self, deadline, &replicas));
  co_await async::WhenAll(std::move(marks));
  // One marker is enough, whichever: each is later than all that was answered.
  co_return written > 0 && replicas >= self->shared_->options.min_replicas;
}

async::Task<void> Confirmations::Mark(std::shared_ptr<Pipeline> link, std::string marker, absl::Time deadline,
                                      int* written) {
  Command set("SET");
  set.Arg(marker).Arg("");
  absl::StatusOr<Reply> reply = co_await Pipeline::Ask(std::move(link), std::move(set), deadline);
  if (reply.ok()) ++*written;
}

}  // namespace motcua::redis
