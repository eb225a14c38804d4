// How successions are counted beforehand, and carried out.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/telemetry/log.h"
#include "common/time/iso.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/calls/successions.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/domain/succession/succession.h"
#include "services/routing/policy.h"
#include "services/routing/workers/open_routes.h"

namespace motcua::routing {

using async::CancelToken;
using async::Task;

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
// Dossiers whose moves overlap: enough to share an fsync, few enough not to hold the store up for calls.
constexpr size_t kWorkers = 16;

// An open route stands in exactly one of these, at one agency.
std::vector<v1::Box> OfHolders() { return {v1::BOX_HELD, v1::BOX_WAITING}; }

void AddTo(v1::Succession& row, const Passage& passage) {
  row.set_ended_agency(passage.from);
  row.set_successor(passage.to);
  if (passage.custody) row.set_held(row.held() + 1);
  if (passage.offer) row.set_offered(row.offered() + 1);
  if (!passage.consultations.empty()) row.set_consulted(row.consulted() + 1);
  if (!passage.legs.empty()) row.set_planned(row.planned() + 1);
}

}  // namespace

// The dossiers of a page that are to be moved; outlives those who move them.
class Successions::Batch {
 public:
  Batch(std::string shard, CataloguePtr catalogue)
      : shard(std::move(shard)), catalogue(std::move(catalogue)) {}

  const std::string shard;
  const CataloguePtr catalogue;
  std::vector<std::string> dossiers;
  size_t next = 0;
  absl::Status failed;
};

// ---------------------------------------------------------------- beforehand

Task<absl::StatusOr<v1::PreviewSuccessionResponse>> Successions::PreviewSuccession(
    const auth::Principal& who, store::Caller caller, const v1::PreviewSuccessionRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckAdministers, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  const std::string shard = request.shard();
  absl::StatusOr<CataloguePtr> found = co_await catalogues_.Get(shard, caller.deadline);
  if (!found.ok()) co_return found.status();
  const CataloguePtr catalogue = *std::move(found);
  absl::Time as_of = store_.clock().Now();
  if (!request.day().empty()) {
    const absl::StatusOr<absl::CivilDay> day = time::ParseDate(request.day());
    if (!day.ok())
      co_return errors::InvalidArgument("INVALID_REQUEST", "day: must be a date, as in 2025-07-01");
    as_of = absl::FromCivil(*day, catalogue->time_zone());
  }
  v1::PreviewSuccessionResponse response;
  response.set_day(time::FormatDate(catalogue->DayOf(as_of)));
  if (catalogue->SucceededBy(catalogue->DayOf(as_of)).empty()) co_return response;
  std::map<std::string, v1::Succession> rows;
  const Lists all = ListsOfAll(shard, *catalogue);
  for (size_t first = 0; first < all.size(); first += kListsAtOnce) {
    const Lists some = Some(all, first);
    absl::StatusOr<std::vector<BoxSizes>> sizes = co_await reader_.Sizes(some, caller.deadline);
    if (!sizes.ok()) co_return sizes.status();
    for (const std::string& index : Filled(some, *sizes, OfHolders())) {
      std::string token;
      do {
        if (caller.cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "the caller has gone");
        absl::StatusOr<RoutePage> page =
            co_await ReadRoutes(store_, shard, index, std::move(token), caller.deadline);
        if (!page.ok()) co_return page.status();
        for (const v1::Route& route : page->routes) {
          const std::vector<Passage> passages = PassagesOf(route, *catalogue, as_of);
          for (const Passage& passage : passages) AddTo(rows[passage.from], passage);
          if (!passages.empty()) response.set_dossiers(response.dossiers() + 1);
        }
        token = std::move(page->next);
      } while (!token.empty());
    }
  }
  for (auto& [from, row] : rows) *response.add_successions() = std::move(row);
  co_return response;
}

// ---------------------------------------------------------------- the run

Task<absl::Status> Successions::WalkAll(std::string name, CataloguePtr catalogue, CancelToken cancel) {
  Shard& shard = known_[name];
  const Lists ended = ListsOfSucceeded(name, *catalogue, shard.day);
  uint64_t moved_before = 0;
  do {
    moved_before = shard.moved;
    // What waits at agencies that are no more comes before what is planned to come to them one day.
    const std::vector<v1::Box> boxes(kBoxes.begin(), kBoxes.end());
    absl::Status walked = co_await WalkLists(ended, boxes, catalogue, cancel);
    if (!walked.ok()) co_return walked;
    if (!ended.empty()) {
      walked = co_await WalkLists(ListsOfAll(name, *catalogue), OfHolders(), catalogue, cancel);
      if (!walked.ok()) co_return walked;
    }
    absl::StatusOr<uint64_t> left = co_await CountEntries(ended, absl::Now() + kPatience);
    if (!left.ok()) co_return left.status();
    shard.left = *left;
  } while (shard.left > 0 && shard.moved > moved_before);
  absl::StatusOr<uint64_t> count = co_await Count(name, absl::Now() + kPatience);
  if (!count.ok()) co_return count.status();
  internal::routing::SuccessionRecord record = shard.record;
  *record.mutable_finished_at() = time::ToTimestamp(store_.clock().Now());
  record.set_count_after(*count);
  record.set_agencies(ended.size());
  absl::Status saved = co_await Save(name, record, absl::Now() + kPatience);
  if (!saved.ok()) co_return saved;
  shard.record = std::move(record);
  telemetry::Log(
      telemetry::Level::kInfo, "successions are done",
      {{"shard", name}, {"agencies", ended.size()}, {"moved_here", shard.moved}, {"left", shard.left}});
  co_return absl::OkStatus();
}

Task<absl::Status> Successions::WalkLists(Lists lists, std::vector<v1::Box> boxes, CataloguePtr catalogue,
                                          CancelToken cancel) {
  for (size_t first = 0; first < lists.size(); first += kListsAtOnce) {
    const Lists some = Some(lists, first);
    absl::StatusOr<std::vector<BoxSizes>> sizes = co_await reader_.Sizes(some, absl::Now() + kPatience);
    if (!sizes.ok()) co_return sizes.status();
    for (const std::string& index : Filled(some, *sizes, boxes)) {
      absl::Status walked = co_await WalkList(some.front().shard, index, catalogue, cancel);
      if (!walked.ok()) co_return walked;
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Successions::WalkList(std::string name, std::string index, CataloguePtr catalogue,
                                         CancelToken cancel) {
  Shard& shard = known_[name];
  std::string token;
  do {
    if (cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "stopping");
    absl::StatusOr<RoutePage> page =
        co_await ReadRoutes(store_, name, index, std::move(token), absl::Now() + kPatience);
    if (!page.ok()) co_return page.status();
    for (const std::string& dossier : page->unreadable) {
      telemetry::Log(telemetry::Level::kError, "a route cannot be read",
                     {{"shard", name}, {"dossier", dossier}});
    }
    Batch batch(name, catalogue);
    for (const v1::Route& route : page->routes) {
      if (!PassagesOf(route, *catalogue, store_.clock().Now()).empty())
        batch.dossiers.push_back(route.dossier());
    }
    std::vector<Task<void>> workers;
    for (size_t i = 0; i < std::min(batch.dossiers.size(), kWorkers); ++i)
      workers.push_back(MoveNext(&batch, cancel));
    Task<void> moved = async::WhenAll(std::move(workers));
    co_await std::move(moved);
    if (!batch.failed.ok()) co_return batch.failed;
    shard.routes_seen += page->routes.size();
    token = std::move(page->next);
  } while (!token.empty());
  co_return absl::OkStatus();
}

Task<void> Successions::MoveNext(Batch* batch, CancelToken cancel) {
  while (batch->next < batch->dossiers.size() && batch->failed.ok() && !cancel.cancelled()) {
    std::string dossier = std::move(batch->dossiers[batch->next++]);
    absl::Status moved = co_await Move(batch, std::move(dossier), cancel);
    if (!moved.ok()) batch->failed = moved;
  }
}

Task<absl::Status> Successions::Move(Batch* batch, std::string dossier, CancelToken cancel) {
  absl::Time not_before = absl::InfinitePast();
  for (int attempt = 0; attempt < store::kMaxAttempts && !cancel.cancelled(); ++attempt) {
    store::Session session(store_, batch->shard);
    std::vector<std::string> keys;
    keys.push_back(session.KeyOf<RouteModel>(dossier));
    absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + kPatience);
    if (!fetched.ok()) co_return fetched;
    const internal::routing::RouteRecord* record = session.Find<RouteModel>(dossier);
    if (!session.unreadable().ok()) co_return session.unreadable();
    if (record == nullptr) co_return absl::OkStatus();
    const store::Context context(std::max(store_.clock().Now(), not_before), common::v1::Actor());
    std::optional<RouteDecision> decision = DecideSuccession(*record, context, *batch->catalogue);
    if (!decision.has_value()) {
      // What was remembered may be out of date; the next attempt sees what is stored.
      if (attempt > 0) co_return absl::OkStatus();
      continue;
    }
    session.Apply<RouteModel>(dossier, *std::move(decision));
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + kPatience);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) {
      ++moved_;
      ++known_[batch->shard].moved;
      co_return absl::OkStatus();
    }
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
  }
  // Others change it again and again: the next pass of the run comes to it once more.
  co_return absl::OkStatus();
}

}  // namespace motcua::routing
