// What is told of successions, and when runs begin.
#include "services/routing/calls/successions.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/telemetry/log.h"
#include "common/time/iso.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/calls/succession_model.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/domain/succession/succession.h"
#include "services/routing/policy.h"
#include "services/routing/workers/open_routes.h"

namespace motcua::routing {

using admin::v1::SuccessionStatus;
using async::CancelToken;
using async::Task;
using auth::Principal;
using store::Caller;

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
// Between two looks whether the day has changed, in memory alone.
constexpr absl::Duration kTick = absl::Seconds(1);
// What was left open in the last minutes of an agency may come to its lists after midnight.
constexpr absl::Duration kLookAgain = absl::Hours(1);
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(10);

bool IsUnderWay(const internal::routing::SuccessionRecord& record) {
  return record.has_started_at() && !record.has_finished_at();
}

void Describe(const internal::routing::SuccessionRecord& record, SuccessionStatus& status) {
  status.set_step(IsUnderWay(record)         ? SuccessionStatus::STEP_RUNNING
                  : record.has_finished_at() ? SuccessionStatus::STEP_DONE
                                             : SuccessionStatus::STEP_NONE);
  if (record.has_started_at()) *status.mutable_started_at() = record.started_at();
  if (record.has_finished_at()) *status.mutable_finished_at() = record.finished_at();
}

uint64_t Since(uint64_t before, uint64_t now) { return now > before ? now - before : 0; }

}  // namespace

Successions::Successions(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
                         std::function<std::vector<std::string>()> shards, Start start)
    : loop_(loop),
      store_(store),
      catalogues_(catalogues),
      shards_(std::move(shards)),
      start_(start),
      reader_(store),
      tending_(loop) {}

void Successions::SetLeases(store::Leases& leases) {
  leases_ = &leases;
  // What another replica began and left.
  leases.OnChange([this] {
    for (auto& [name, shard] : known_) shard.dirty = true;
  });
}

void Successions::ReferenceChanged() {
  for (auto& [name, shard] : known_) shard.dirty = true;
}

// ---------------------------------------------------------------- when

Task<void> Successions::Run(CancelToken cancel) {
  while (!cancel.cancelled()) {
    for (const std::string& name : shards_()) Tick(name, cancel);
    absl::Status slept = co_await loop_.Sleep(kTick, cancel);
    (void)slept;
  }
  co_await tending_.Ended();
}

void Successions::Tick(const std::string& name, const CancelToken& cancel) {
  Shard& shard = known_[name];
  const bool holds = leases_ == nullptr || leases_->Holds(name);
  if (holds && !shard.held) shard.dirty = true;
  shard.held = holds;
  if (shard.tending || (!holds && !shard.asked)) return;
  const absl::Time now = absl::Now();
  const bool other_day =
      shard.zone.has_value() && absl::ToCivilDay(store_.clock().Now(), *shard.zone) != shard.day;
  const bool due = shard.dirty || other_day || now >= shard.looked_at + kLookAgain;
  if (!due || now < shard.retry_at) return;
  shard.tending = true;
  tending_.Spawn(Tend(name, cancel));
}

Task<void> Successions::Tend(std::string name, CancelToken cancel) {
  Shard& shard = known_[name];
  shard.dirty = false;
  absl::Status tended = co_await TendOnce(name, cancel);
  shard.tending = false;
  if (tended.ok()) {
    shard.pause = absl::ZeroDuration();
    shard.trouble.clear();
    co_return;
  }
  if (cancel.cancelled()) co_return;
  if (shard.trouble != tended.message()) {
    telemetry::Log(
        telemetry::Level::kWarning, "successions do not go on",
        {{"shard", name}, {"reason", errors::Reason(tended)}, {"error", std::string(tended.message())}});
  }
  shard.trouble = std::string(tended.message());
  shard.pause = std::clamp(2 * shard.pause, kFirstPause, kLongestPause);
  shard.retry_at = absl::Now() + shard.pause;
  shard.dirty = true;
}

Task<absl::Status> Successions::TendOnce(std::string name, CancelToken cancel) {
  Shard& shard = known_[name];
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(name, absl::Now() + kPatience);
  // A jurisdiction without reference data has no dossiers.
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") co_return absl::OkStatus();
  if (!catalogue.ok()) co_return catalogue.status();
  shard.zone = (*catalogue)->time_zone();
  shard.day = (*catalogue)->DayOf(store_.clock().Now());
  shard.looked_at = absl::Now();
  const Lists lists = ListsOfSucceeded(name, **catalogue, shard.day);
  absl::StatusOr<internal::routing::SuccessionRecord> record = co_await Load(name, absl::Now() + kPatience);
  if (!record.ok()) co_return record.status();
  shard.record = *std::move(record);
  absl::StatusOr<uint64_t> left = co_await CountEntries(lists, absl::Now() + kPatience);
  if (!left.ok()) co_return left.status();
  shard.left = *left;
  const bool calls_for_one = *left > 0 || shard.record.agencies() != lists.size();
  if (!IsUnderWay(shard.record) && start_ == Start::kAutomatic && calls_for_one) {
    absl::Status begun = co_await Begin(name, absl::Now() + kPatience);
    if (!begun.ok()) co_return begun;
  }
  if (IsUnderWay(shard.record)) {
    absl::Status walked = co_await WalkAll(name, *std::move(catalogue), cancel);
    if (!walked.ok()) co_return walked;
  }
  shard.asked = false;
  co_return absl::OkStatus();
}

Task<absl::Status> Successions::Begin(std::string name, absl::Time deadline) {
  absl::StatusOr<uint64_t> count = co_await Count(name, deadline);
  if (!count.ok()) co_return count.status();
  internal::routing::SuccessionRecord record;
  *record.mutable_started_at() = time::ToTimestamp(store_.clock().Now());
  record.set_count_before(*count);
  absl::Status saved = co_await Save(name, record, deadline);
  if (!saved.ok()) co_return saved;
  Shard& shard = known_[name];
  shard.record = std::move(record);
  shard.moved = 0;
  shard.routes_seen = 0;
  co_return absl::OkStatus();
}

// ---------------------------------------------------------------- what is stored

Task<absl::StatusOr<internal::routing::SuccessionRecord>> Successions::Load(std::string name,
                                                                            absl::Time deadline) {
  store::Session session(store_, name);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<SuccessionModel>(name));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::routing::SuccessionRecord* record = session.Find<SuccessionModel>(name);
  if (!session.unreadable().ok()) co_return session.unreadable();
  co_return record == nullptr ? internal::routing::SuccessionRecord() : *record;
}

Task<absl::Status> Successions::Save(std::string name, internal::routing::SuccessionRecord record,
                                     absl::Time deadline) {
  store::Session session(store_, name);
  session.Put<SuccessionModel>(name, record);
  absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(deadline);
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->kind != store::CommitOutcome::Kind::kCommitted) {
    co_return errors::Aborted("CONFLICT", "the run's record was not written; try again");
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> Successions::Count(std::string name, absl::Time deadline) {
  absl::StatusOr<v1::GetStatisticsResponse> statistics =
      co_await reader_.Statistics(std::move(name), deadline);
  if (!statistics.ok()) co_return statistics.status();
  co_return statistics->successions();
}

Task<absl::StatusOr<uint64_t>> Successions::CountEntries(Lists lists, absl::Time deadline) {
  uint64_t entries = 0;
  for (size_t first = 0; first < lists.size(); first += kListsAtOnce) {
    absl::StatusOr<std::vector<BoxSizes>> sizes = co_await reader_.Sizes(Some(lists, first), deadline);
    if (!sizes.ok()) co_return sizes.status();
    for (const BoxSizes& of_list : *sizes) {
      for (const uint64_t size : of_list) entries += size;
    }
  }
  co_return entries;
}

// ---------------------------------------------------------------- what is told

Task<absl::StatusOr<SuccessionStatus>> Successions::StatusNow(std::string name, absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(name, deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  // The record first: what is left and moved is then at least as new.
  absl::StatusOr<internal::routing::SuccessionRecord> record = co_await Load(name, deadline);
  if (!record.ok()) co_return record.status();
  absl::StatusOr<uint64_t> count = co_await Count(name, deadline);
  if (!count.ok()) co_return count.status();
  const absl::CivilDay today = (*catalogue)->DayOf(store_.clock().Now());
  absl::StatusOr<uint64_t> left = co_await CountEntries(ListsOfSucceeded(name, **catalogue, today), deadline);
  if (!left.ok()) co_return left.status();
  SuccessionStatus status;
  status.set_shard(name);
  Describe(*record, status);
  status.set_left(*left);
  if (record->has_started_at())
    status.set_moved(
        Since(record->count_before(), record->has_finished_at() ? record->count_after() : *count));
  if (const auto found = known_.find(name); found != known_.end()) {
    if (IsUnderWay(*record)) status.set_looked_at(found->second.routes_seen);
    status.set_trouble(found->second.trouble);
  }
  co_return status;
}

Task<absl::StatusOr<v1::StartSuccessionResponse>> Successions::StartSuccession(
    const Principal& who, Caller caller, const v1::StartSuccessionRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckAdministers, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<SuccessionStatus> status = co_await StatusNow(request.shard(), caller.deadline);
  if (!status.ok()) co_return status.status();
  if (status->step() != SuccessionStatus::STEP_RUNNING) {
    absl::Status begun = co_await Begin(request.shard(), caller.deadline);
    if (!begun.ok()) co_return begun;
    telemetry::Log(
        telemetry::Level::kInfo, "successions were started",
        {{"by", who.subject}, {"agency", who.agency}, {"shard", request.shard()}, {"left", status->left()}});
    status = co_await StatusNow(request.shard(), caller.deadline);
    if (!status.ok()) co_return status.status();
  }
  Shard& shard = known_[request.shard()];
  shard.asked = true;
  shard.dirty = true;
  v1::StartSuccessionResponse response;
  *response.mutable_status() = *std::move(status);
  co_return response;
}

Task<absl::StatusOr<v1::GetSuccessionResponse>> Successions::GetSuccession(
    const Principal& who, Caller caller, const v1::GetSuccessionRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckAdministers, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<SuccessionStatus> status = co_await StatusNow(request.shard(), caller.deadline);
  if (!status.ok()) co_return status.status();
  v1::GetSuccessionResponse response;
  *response.mutable_status() = *std::move(status);
  co_return response;
}

void Successions::AddStatus(admin::v1::GetStatusResponse& status) const {
  for (const auto& [name, shard] : known_) {
    if (!shard.record.has_started_at() && shard.left == 0 && shard.trouble.empty()) continue;
    SuccessionStatus& line = *status.add_successions();
    line.set_shard(name);
    Describe(shard.record, line);
    line.set_left(shard.left);
    const uint64_t in_all = Since(shard.record.count_before(), shard.record.count_after());
    line.set_moved(shard.record.has_finished_at() ? in_all : shard.moved);
    if (IsUnderWay(shard.record)) line.set_looked_at(shard.routes_seen);
    line.set_trouble(shard.trouble);
  }
}

uint64_t Successions::left(const std::string& name) const {
  const auto found = known_.find(name);
  return found == known_.end() || !found->second.held ? 0 : found->second.left;
}

}  // namespace motcua::routing
