#include "services/notification/workers/delivery_worker.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/calls/message_view.h"
#include "services/notification/calls/preferences.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {
namespace {

using async::CancelToken;
using async::Task;
using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

constexpr absl::Duration kPatience = absl::Seconds(10);
// A shard that has nothing to deliver is looked at again after as long: another replica may have added
// something and be no more. Where there is none, only as long as this one might not know of it.
constexpr absl::Duration kRest = absl::Seconds(2);
constexpr absl::Duration kRestAlone = absl::Seconds(30);
// Dossiers looked at in one pass over an outbox.
constexpr uint32_t kPassSize = 64;
constexpr int kCommitAttempts = 16;
// Tries to enter an outcome while Redis is away; longer than that, the lease runs out and the message goes
// out again.
constexpr int kEnterAttempts = 60;
constexpr absl::Duration kEnterPause = absl::Milliseconds(500);
constexpr int kEnterAttemptsWhenStopping = 2;

void LogDelivery(const std::string& shard, const DeliveryKey& key, Conclusion conclusion,
                 const std::string& error, absl::Duration taken, std::string_view traceparent) {
  static telemetry::RateLimit limit(50, absl::Seconds(1));
  const bool lost = conclusion == Conclusion::kGivenUp || conclusion == Conclusion::kRefused;
  const telemetry::Level level = lost ? telemetry::Level::kWarning : telemetry::Level::kInfo;
  uint64_t skipped = 0;
  if (!telemetry::Enabled(level) || !limit.Pass(absl::Now(), skipped)) return;
  telemetry::Log(level, "delivery",
                 {{"channel", ChannelName(key.channel)},
                  {"outcome", ConclusionName(conclusion)},
                  {"error", error},
                  {"ms", absl::ToDoubleMilliseconds(taken)},
                  {"shard", shard},
                  {"source", SourceName(key.source)},
                  {"position", key.position},
                  {"trace", telemetry::TraceId(traceparent)},
                  {"skipped", skipped}});
}

}  // namespace

DeliveryWorker::DeliveryWorker(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
                               Transport& transport, DeliveryOptions options)
    : loop_(loop),
      store_(store),
      catalogues_(catalogues),
      transport_(transport),
      options_(std::move(options)),
      kicked_(loop),
      ended_(loop) {
  // What is there now may be something else: a backup, or what another server had.
  store_.redis().OnConnectionChange([look_again = look_again_](bool) { *look_again = true; });
}

void DeliveryWorker::SetLeases(store::Leases& leases) {
  leases_ = &leases;
  leases.OnChange([look_again = look_again_] { *look_again = true; });
}

Task<void> DeliveryWorker::Run(CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::StatusOr<std::vector<std::string>> shards = co_await store_.ListShards(absl::Now() + kPatience);
    if (std::exchange(*look_again_, false)) rests_.clear();
    for (size_t i = 0; shards.ok() && i < shards->size() && !cancel.cancelled(); ++i) {
      std::string shard = (*shards)[i];
      const auto rest = rests_.find(shard);
      if (leases_ != nullptr && !leases_->Holds(shard)) {
        rests_.erase(shard);
        continue;
      }
      if (rest != rests_.end() && absl::Now() < rest->second) continue;
      absl::Status passed = co_await Pass(std::move(shard));
      (void)passed;  // what could not be done now is still in the outbox
    }
    absl::Status waited = co_await kicked_.Wait(absl::Now() + options_.poll_interval, cancel);
    (void)waited;
    kicked_.Reset();
  }
  stopping_ = true;
  absl::Time patience = absl::Now() + kGrace;
  while (under_way_ > 0) {
    ended_.Reset();
    absl::Status ended = co_await ended_.Wait(patience);
    if (ended.ok()) continue;
    transport_.BreakOff();
    patience = absl::InfiniteFuture();
  }
}

Task<absl::Status> DeliveryWorker::Pass(std::string shard) {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::Status released = co_await ReleaseHeld(shard, deadline);
  if (!released.ok()) co_return released;
  if (under_way_ >= options_.concurrency) co_return absl::OkStatus();
  absl::StatusOr<std::vector<std::pair<std::string, double>>> due = co_await store_.IndexUpTo(
      shard, kOutboxIndex, static_cast<double>(absl::ToUnixMicros(absl::Now())), kPassSize, deadline);
  if (!due.ok()) co_return due.status();
  for (const auto& [code, when] : *due) {
    if (under_way_ >= options_.concurrency) break;
    absl::Status claimed = co_await ClaimDue(shard, code, deadline);
    if (!claimed.ok()) co_return claimed;
  }
  if (due->size() == kPassSize && under_way_ < options_.concurrency) Kick(shard);
  if (!due->empty()) co_return absl::OkStatus();
  co_return co_await RestWhereEmpty(std::move(shard), deadline);
}

Task<absl::Status> DeliveryWorker::RestWhereEmpty(std::string shard, absl::Time deadline) {
  // Taken back by whoever adds something meanwhile.
  rests_[shard] = absl::Now() + (store::Leases::Alone(leases_) ? kRestAlone : kRest);
  std::vector<std::string> indexes;
  indexes.push_back(kOutboxIndex);
  indexes.push_back(kHeldIndex);
  absl::StatusOr<std::vector<uint64_t>> sizes =
      co_await store_.IndexSizes(shard, std::move(indexes), deadline);
  if (!sizes.ok() || (*sizes)[0] + (*sizes)[1] > 0) rests_.erase(shard);
  co_return sizes.status();
}

Task<absl::Status> DeliveryWorker::ReleaseHeld(std::string shard, absl::Time deadline) {
  const absl::Time now = store_.clock().Now();
  absl::StatusOr<std::vector<std::pair<std::string, double>>> held = co_await store_.IndexUpTo(
      shard, kHeldIndex, static_cast<double>(absl::ToUnixSeconds(now)), kPassSize, deadline);
  if (!held.ok()) co_return held.status();
  for (const auto& [code, when] : *held) {
    Change release = [now](internal::notification::DossierRecord& record) {
      return Release(record, now, absl::Now());
    };
    absl::StatusOr<bool> committed = co_await Commit(shard, code, std::move(release), deadline);
    if (!committed.ok()) co_return committed.status();
  }
  if (held->size() == kPassSize) Kick(shard);
  co_return absl::OkStatus();
}

Task<absl::Status> DeliveryWorker::ClaimDue(std::string shard, std::string code, absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  const absl::TimeZone zone = (*catalogue)->time_zone();
  const int free = static_cast<int>(options_.concurrency - under_way_);
  auto claimed = std::make_shared<std::vector<DeliveryKey>>();
  auto given_up = std::make_shared<std::vector<DeliveryKey>>();
  const absl::Time now = store_.clock().Now();
  const RetryPolicy& retry = options_.retry;
  Change claim = [claimed, given_up, now, zone, free, &retry](internal::notification::DossierRecord& record) {
    claimed->clear();
    given_up->clear();
    return Claim(record, now, absl::Now(), zone, retry, free, *claimed, *given_up);
  };
  absl::StatusOr<bool> committed = co_await Commit(shard, code, std::move(claim), deadline);
  if (!committed.ok()) co_return committed.status();
  if (!*committed) co_return absl::OkStatus();
  for (const DeliveryKey& key : *given_up) {
    if (observe_) observe_(key.channel, Conclusion::kGivenUp);
  }
  for (DeliveryKey& key : *claimed) {
    ++under_way_;
    loop_.Spawn(Attempt(shard, code, std::move(key)));
  }
  co_return absl::OkStatus();
}

Task<void> DeliveryWorker::Attempt(std::string shard, std::string code, DeliveryKey key) {
  const absl::Time began = absl::Now();
  Outcome outcome(Outcome::Kind::kFailedForNow, "the message could not be read");
  absl::StatusOr<Parcel> parcel = co_await Write(shard, code, key);
  const std::string traceparent = parcel.ok() ? parcel->traceparent : std::string();
  if (parcel.ok() && parcel->address.empty()) {
    outcome = Outcome(Outcome::Kind::kFailedForGood, "the recipient has no such address any more");
  } else if (parcel.ok()) {
    outcome = co_await transport_.Send(*std::move(parcel));
  }
  const absl::Duration taken = absl::Now() - began;
  const Conclusion conclusion = co_await Enter(shard, std::move(code), key, outcome);
  if (observe_ && conclusion != Conclusion::kNone) observe_(key.channel, conclusion);
  LogDelivery(shard, key, conclusion, outcome.error, taken, traceparent);
  --under_way_;
  ended_.Set();
  Kick(shard);
}

// The message as it is to go out, from what is stored now.
Task<absl::StatusOr<Parcel>> DeliveryWorker::Write(std::string shard, std::string code, DeliveryKey key) {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  keys.push_back(session.KeyOf<PreferencesModel>(key.recipient));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::notification::DossierRecord* record = session.Find<DossierModel>(code);
  const internal::notification::Occasion* occasion =
      record == nullptr ? nullptr : FindOccasion(*record, key.source, key.position);
  const internal::notification::Letter* letter =
      occasion == nullptr ? nullptr : FindLetter(*record, *occasion, key.recipient);
  if (letter == nullptr) co_return errors::NotFound("MESSAGE_NOT_FOUND", "the message was dropped");
  std::vector<std::string> recipients;
  recipients.push_back(key.recipient);
  absl::StatusOr<Preferred> preferred =
      co_await Preferred::Read(session, **catalogue, std::move(recipients), deadline);
  if (!preferred.ok()) co_return preferred.status();
  const internal::notification::Preferences* preferences = preferred->Of(session, key.recipient);
  Parcel parcel;
  parcel.channel = key.channel;
  parcel.address = AddressOf(*record, *letter, key.channel, preferences, **catalogue);
  parcel.message = MessageOf(*record, *occasion, *letter, preferences, **catalogue);
  parcel.traceparent = telemetry::ContinuePackedTrace(occasion->trace());
  co_return parcel;
}

Task<Conclusion> DeliveryWorker::Enter(std::string shard, std::string code, DeliveryKey key,
                                       Outcome outcome) {
  auto conclusion = std::make_shared<Conclusion>(Conclusion::kNone);
  for (int attempt = 0; attempt < (stopping_ ? kEnterAttemptsWhenStopping : kEnterAttempts); ++attempt) {
    const absl::Time now = store_.clock().Now();
    const RetryPolicy& retry = options_.retry;
    Change conclude = [conclusion, key, outcome, now, &retry](internal::notification::DossierRecord& record) {
      *conclusion = Conclude(record, key, outcome, now, absl::Now(), retry);
      return *conclusion != Conclusion::kNone;
    };
    absl::StatusOr<bool> committed =
        co_await Commit(shard, code, std::move(conclude), absl::Now() + kPatience);
    if (committed.ok()) co_return *committed ? *conclusion : Conclusion::kNone;
    absl::Status slept = co_await loop_.Sleep(kEnterPause);
    (void)slept;
  }
  co_return Conclusion::kNone;
}

Task<absl::StatusOr<DeliveryWorker::Backlog>> DeliveryWorker::ReadBacklog() {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::StatusOr<std::vector<std::string>> shards = co_await store_.ListShards(deadline);
  if (!shards.ok()) co_return shards.status();
  Backlog backlog;
  for (const std::string& shard : *shards) {
    absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(shard, deadline);
    if (!counters.ok()) co_return counters.status();
    const auto pending = counters->find(kPendingCounter);
    if (pending == counters->end() || pending->second <= 0) continue;
    backlog.waiting += static_cast<uint64_t>(pending->second);
    absl::StatusOr<std::optional<double>> lowest = co_await store_.IndexLowest(shard, kOutboxIndex, deadline);
    if (!lowest.ok()) co_return lowest.status();
    // 0: due at once, since a moment that was not kept.
    if (!lowest->has_value() || **lowest == 0) continue;
    const absl::Duration due = absl::Now() - absl::FromUnixMicros(static_cast<int64_t>(**lowest));
    backlog.longest_due = std::max(backlog.longest_due, due);
  }
  co_return backlog;
}

Task<absl::StatusOr<bool>> DeliveryWorker::Commit(std::string shard, std::string code, Change change,
                                                  absl::Time deadline) {
  for (int attempt = 0; attempt < kCommitAttempts; ++attempt) {
    store::Session session(store_, shard);
    std::vector<std::string> keys;
    keys.push_back(session.KeyOf<DossierModel>(code));
    absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
    if (!fetched.ok()) co_return fetched;
    const internal::notification::DossierRecord* stored = session.Find<DossierModel>(code);
    if (stored == nullptr) co_return false;
    internal::notification::DossierRecord record = *stored;
    if (!change(record)) co_return false;
    session.Apply<DossierModel>(code,
                                store::Decision<internal::notification::DossierRecord>(std::move(record)));
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) co_return true;
  }
  co_return errors::Aborted("CONFLICT", "others changed the record again and again");
}

}  // namespace motcua::notification
