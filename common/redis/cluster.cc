#include "common/redis/cluster.h"

#include <absl/time/clock.h>

#include <utility>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

constexpr absl::Duration kRoundPause = absl::Seconds(5);
// For a while after somebody has doubted.
constexpr absl::Duration kHurriedPause = absl::Milliseconds(100);
constexpr absl::Duration kHurry = absl::Seconds(2);
constexpr absl::Duration kAnswerTime = absl::Seconds(1);

}  // namespace

ClusterTopology::ClusterTopology(async::Loop& loop, Deployment deployment,
                                 std::shared_ptr<PipelineShared> shared)
    : Topology(Engine::kCluster),
      loop_(loop),
      deployment_(std::move(deployment)),
      shared_(std::move(shared)) {}

void ClusterTopology::Begin() {
  ended_ = false;
  asked_ = std::make_shared<Pipeline>(loop_, Pipeline::Kind::kAnyNode, shared_, shared_->options.user, *this);
  asked_->Start();
}

void ClusterTopology::End() {
  ended_ = true;
  loop_.CancelTimer(timer_);
  asked_->Shutdown();
}

// Each attempt goes to the next node, in turn.
std::optional<Address> ClusterTopology::WhereTo(Pipeline&) {
  const std::vector<Address>& seeds = deployment_.addresses;
  const std::vector<Address>& nodes = table().nodes();
  const size_t next = next_node_++ % (seeds.size() + nodes.size());
  return next < seeds.size() ? seeds[next] : nodes[next - seeds.size()];
}

void ClusterTopology::OnReady(Pipeline&, bool ready) {
  if (ready) Doubt();
}

void ClusterTopology::Doubt() {
  if (ended_) return;
  const bool hurried = absl::Now() < hurry_until_;
  hurry_until_ = absl::Now() + kHurry;
  if (!running_ && !hurried) Schedule(absl::ZeroDuration());
}

void ClusterTopology::Schedule(absl::Duration pause) {
  loop_.CancelTimer(timer_);
  timer_ = loop_.StartTimer(pause, [this] {
    running_ = true;
    loop_.Spawn(Round(shared_from_this()));
  });
}

async::Task<absl::StatusOr<internal::SlotTable>> ClusterTopology::AskForTable(
    std::shared_ptr<ClusterTopology> self) {
  const absl::Time deadline = absl::Now() + kAnswerTime;
  Command state("CLUSTER");
  state.Arg("INFO");
  absl::StatusOr<Reply> info = co_await Pipeline::Ask(self->asked_, std::move(state), deadline);
  if (!info.ok()) co_return info.status();
  if (!internal::ClusterServes(info->text())) co_return internal::Unavailable("the store's cluster is down");
  Command owners("CLUSTER");
  owners.Arg("SLOTS");
  absl::StatusOr<Reply> slots = co_await Pipeline::Ask(self->asked_, std::move(owners), deadline);
  if (!slots.ok()) co_return slots.status();
  co_return internal::SlotTable::Parse(*slots, self->asked_->address().host);
}

async::Task<void> ClusterTopology::Round(std::shared_ptr<ClusterTopology> self) {
  absl::StatusOr<internal::SlotTable> table =
      internal::Unavailable("no node of the store's cluster is reached");
  if (self->asked_->connected()) table = co_await AskForTable(self);
  self->running_ = false;
  if (self->ended_) co_return;
  self->Schedule(absl::Now() < self->hurry_until_ ? kHurriedPause : kRoundPause);
  if (table.ok() && !table->nodes().empty()) {
    self->Learn(*std::move(table));
  } else if (self->asked_->connected()) {
    self->asked_->Drop(table.ok() ? internal::Unavailable("nobody serves the slots") : table.status());
  }
}

}  // namespace motcua::redis
