#include "common/redis/sentinel.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "common/async/when_all.h"
#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

// A fail-over that leaves the old primary's links standing is noticed within this time.
constexpr absl::Duration kRoundPause = absl::Seconds(1);
// While somebody has nowhere to connect to.
constexpr absl::Duration kHurriedPause = absl::Milliseconds(50);
// A Sentinel that does not answer in time is passed over.
constexpr absl::Duration kAnswerTime = absl::Milliseconds(500);
// So long a majority is looked for before fewer are believed.
constexpr absl::Duration kMajorityTime = absl::Milliseconds(500);

}  // namespace

namespace internal {

std::optional<NamedPrimary> ParseNamedPrimary(const Reply& address, const Reply& details) {
  if (address.items().size() != 2) return std::nullopt;
  NamedPrimary named;
  named.address.host = address.items()[0].text();
  named.address.port = address.items()[1].text();
  if (named.address.host.empty() || named.address.port.empty()) return std::nullopt;
  for (size_t i = 0; i + 1 < details.items().size(); i += 2) {
    if (details.items()[i].text() != "config-epoch") continue;
    if (!absl::SimpleAtoi(details.items()[i + 1].text(), &named.epoch)) return std::nullopt;
  }
  return named;
}

}  // namespace internal

SentinelTopology::SentinelTopology(async::Loop& loop, Deployment deployment,
                                   std::shared_ptr<PipelineShared> shared)
    : Topology(Engine::kSentinel),
      loop_(loop),
      deployment_(std::move(deployment)),
      shared_(std::move(shared)) {}

void SentinelTopology::Begin() {
  ended_ = false;
  minority_from_ = absl::Now() + kMajorityTime;
  for (size_t i = 0; i < deployment_.addresses.size(); ++i) {
    sentinels_.push_back(
        std::make_shared<Pipeline>(loop_, Pipeline::Kind::kSentinel, shared_, shared_->options.user, *this));
  }
  for (const std::shared_ptr<Pipeline>& sentinel : sentinels_) sentinel->Start();
}

void SentinelTopology::End() {
  ended_ = true;
  loop_.CancelTimer(timer_);
  for (const std::shared_ptr<Pipeline>& sentinel : sentinels_) sentinel->Shutdown();
  sentinels_.clear();
}

std::optional<Address> SentinelTopology::WhereTo(Pipeline& pipeline) {
  for (size_t i = 0; i < sentinels_.size(); ++i) {
    if (sentinels_[i].get() == &pipeline) return deployment_.addresses[i];
  }
  return std::nullopt;
}

void SentinelTopology::OnReady(Pipeline&, bool ready) {
  if (ready) Doubt();
}

std::optional<Address> SentinelTopology::WhereTo(const Address&) {
  wanted_ = true;
  Doubt();
  return std::nullopt;
}

void SentinelTopology::Doubt() {
  if (ended_) return;
  if (running_) {
    again_ = true;
  } else {
    Schedule(absl::ZeroDuration());
  }
}

void SentinelTopology::Schedule(absl::Duration pause) {
  loop_.CancelTimer(timer_);
  timer_ = loop_.StartTimer(pause, [this] { StartRound(); });
}

void SentinelTopology::StartRound() {
  running_ = true;
  again_ = false;
  loop_.Spawn(Round(shared_from_this()));
}

async::Task<void> SentinelTopology::AskOne(std::shared_ptr<SentinelTopology> self,
                                           std::shared_ptr<Pipeline> sentinel,
                                           std::optional<internal::NamedPrimary>* newest) {
  const absl::Time deadline = absl::Now() + kAnswerTime;
  Command address("SENTINEL");
  address.Arg("GET-MASTER-ADDR-BY-NAME").Arg(self->deployment_.primary);
  absl::StatusOr<Reply> named = co_await Pipeline::Ask(sentinel, std::move(address), deadline);
  if (!named.ok()) co_return;
  Command details("SENTINEL");
  details.Arg("MASTER").Arg(self->deployment_.primary);
  absl::StatusOr<Reply> described = co_await Pipeline::Ask(sentinel, std::move(details), deadline);
  if (!described.ok()) co_return;
  std::optional<internal::NamedPrimary> primary = internal::ParseNamedPrimary(*named, *described);
  if (!primary.has_value()) co_return;
  if (!newest->has_value() || (*newest)->epoch < primary->epoch) *newest = std::move(primary);
}

async::Task<void> SentinelTopology::Round(std::shared_ptr<SentinelTopology> self) {
  std::optional<internal::NamedPrimary> newest;
  std::vector<async::Task<void>> asked;
  for (const std::shared_ptr<Pipeline>& sentinel : self->sentinels_) {
    if (sentinel->connected()) asked.push_back(AskOne(self, sentinel, &newest));
  }
  const bool reached = !asked.empty();
  const bool majority = asked.size() * 2 > self->sentinels_.size();
  co_await async::WhenAll(std::move(asked));
  self->running_ = false;
  if (self->ended_) co_return;
  if (self->again_) {
    // What was said may be from before the question.
    self->Schedule(absl::ZeroDuration());
    co_return;
  }
  if (majority) self->minority_from_ = absl::Now() + kMajorityTime;
  if (newest.has_value() && (majority || absl::Now() >= self->minority_from_)) {
    self->wanted_ = false;
    self->Schedule(kRoundPause);
    self->Learn(internal::SlotTable(std::move(newest->address)));
    co_return;
  }
  if (reached && !newest.has_value()) {
    self->shared_->SetLastError(internal::Unavailable(
        absl::StrCat("no Sentinel knows a primary of the name ", self->deployment_.primary)));
  }
  self->Schedule(self->wanted_ ? kHurriedPause : kRoundPause);
}

}  // namespace motcua::redis
