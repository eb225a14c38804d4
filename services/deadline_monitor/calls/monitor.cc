#include "services/deadline_monitor/calls/monitor.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/service/agency_lists.h"
#include "common/service/page.h"
#include "common/status/errors.h"
#include "common/store/keys.h"
#include "common/store/session.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/custody.h"
#include "services/deadline_monitor/domain/due/change_due.h"
#include "services/deadline_monitor/domain/statistics/statistics.h"
#include "services/deadline_monitor/policy.h"

namespace motcua::deadline {

using async::Task;
using auth::Principal;
using store::Caller;
using store::Context;
using store::Session;

namespace {

using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

// A reading is as of now or a little before: no source is asked where its watermark is not older.
constexpr absl::Duration kRecent = absl::Seconds(1);
// By how much watermarks stay behind the clock, so that a source answers at once.
constexpr absl::Duration kGrace = absl::Milliseconds(200);
constexpr uint32_t kDefaultPage = 50;
constexpr uint32_t kLargestPage = 200;
constexpr uint32_t kLongestHistory = 10000;
// Whose counters are read in one command.
constexpr size_t kAgenciesAtOnce = 100;

// Loads one clock into the session.
Task<absl::Status> Load(Session& session, std::string code, absl::Time deadline) {
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<ClockModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  if (session.Find<ClockModel>(code) == nullptr) {
    if (!session.unreadable().ok()) co_return session.unreadable();
    co_return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code has a clock");
  }
  co_return absl::OkStatus();
}

std::string IndexOf(v1::ClockFilter filter, const std::string& agency) {
  switch (filter) {
    case v1::CLOCK_FILTER_NEARING:
      return index::Nearing(agency);
    case v1::CLOCK_FILTER_OVERDUE:
      return index::Overdue(agency);
    default:
      return index::Open(agency);
  }
}

}  // namespace

Monitor::Monitor(store::Store& store, service::Catalogues& catalogues, feed::Subscriptions& subscriptions,
                 const feed::Publisher& publisher)
    : store_(store), catalogues_(catalogues), subscriptions_(subscriptions), publisher_(publisher) {}

absl::Time Monitor::ReadUntil(const std::string& shard) const {
  // The own watermark, which is remembered, stands in for those of the sources until they tell theirs.
  return std::max(subscriptions_.Watermark(shard), publisher_.watermark(shard));
}

Task<absl::Time> Monitor::AsOf(std::string shard, absl::Time deadline) {
  absl::Time now = store_.clock().Now();
  if (!publisher_.eager() && ReadUntil(shard) < now - kRecent) {
    // Feeds at rest promise nothing by themselves. Unanswered, what is known counts.
    const absl::Time patience = std::min(deadline, absl::Now() + kRecent);
    absl::Status reached = co_await subscriptions_.Reach(shard, now - kGrace, patience);
    (void)reached;
    now = store_.clock().Now();
  }
  const absl::Time read = ReadUntil(shard);
  co_return read == absl::InfinitePast() ? now : std::min(now, read);
}

Task<absl::StatusOr<v1::GetClockResponse>> Monitor::GetClock(const Principal& who, Caller caller,
                                                             const v1::GetClockRequest& request) {
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  // Before the clock is loaded: what it shows is then at least as new.
  const absl::Time as_of = co_await AsOf(shard, caller.deadline);
  Session session(store_, shard);
  absl::Status loaded = co_await Load(session, request.dossier(), caller.deadline);
  if (!loaded.ok()) co_return loaded;
  const v1::Clock& clock = session.Find<ClockModel>(request.dossier())->clock();
  v1::GetClockResponse response;
  *response.mutable_clock() = ForDisplay(clock, session.VersionOf<ClockModel>(request.dossier()));
  for (feed::v1::Charge& charge : ChargesAsOf(clock, as_of)) *response.add_charges() = std::move(charge);
  *response.mutable_as_of() = time::ToTimestamp(as_of);
  co_return response;
}

Task<absl::StatusOr<v1::ListClocksResponse>> Monitor::ListClocks(const Principal& who, Caller caller,
                                                                 const v1::ListClocksRequest& request) {
  const std::string shard = store::ShardOf(request.agency());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  allowed = CheckMayList(who, request.agency(), **catalogue);
  if (!allowed.ok()) co_return allowed;
  const absl::Time as_of = co_await AsOf(shard, caller.deadline);
  std::vector<store::ListName> lists;
  if (request.agency() == shard) {
    lists.emplace_back(shard, IndexOf(request.filter(), ""));
  } else {
    const absl::CivilDay today = (*catalogue)->DayOf(store_.clock().Now());
    for (const service::AgencyLists& list : service::ListsOf(**catalogue, request.agency(), today))
      lists.emplace_back(list.shard, IndexOf(request.filter(), list.agency));
  }
  const auto ask = [this, &lists, deadline = caller.deadline](const v1::ListClocksRequest& page,
                                                              size_t* bytes) {
    return ClocksOf(lists, page, deadline, bytes);
  };
  Answered<v1::ListClocksResponse> asked =
      service::PageWithin<v1::ListClocksResponse>(request, kDefaultPage, ask);
  absl::StatusOr<v1::ListClocksResponse> clocks = co_await std::move(asked);
  if (clocks.ok()) *clocks->mutable_as_of() = time::ToTimestamp(as_of);
  co_return clocks;
}

Task<absl::StatusOr<v1::ListClocksResponse>> Monitor::ClocksOf(std::vector<store::ListName> lists,
                                                               v1::ListClocksRequest request,
                                                               absl::Time deadline, size_t* bytes) {
  absl::StatusOr<store::IndexPage> page = co_await store_.ReadIndexes(
      std::move(lists), std::min(request.page_size(), kLargestPage), request.page_token(), deadline);
  if (!page.ok()) co_return page.status();

  // A dossier lies in the shard of its code.
  std::map<std::string, std::unique_ptr<Session>> sessions;
  for (const std::string& code : page->members) {
    std::unique_ptr<Session>& session = sessions[store::ShardOf(code)];
    if (session == nullptr) session = std::make_unique<Session>(store_, store::ShardOf(code));
  }
  for (const auto& [name, session] : sessions) {
    std::vector<std::string> keys;
    for (const std::string& code : page->members) {
      if (store::ShardOf(code) == name) keys.push_back(session->KeyOf<ClockModel>(code));
    }
    absl::Status fetched = co_await session->Fetch(std::move(keys), deadline);
    if (!fetched.ok()) co_return fetched;
  }
  v1::ListClocksResponse response;
  for (const std::string& code : page->members) {
    Session& session = *sessions[store::ShardOf(code)];
    const internal::deadline::ClockRecord* record = session.Find<ClockModel>(code);
    // It may have ended since the index was read.
    if (record == nullptr || !IsOpen(record->clock())) continue;
    *response.add_clocks() = ForDisplay(record->clock(), session.VersionOf<ClockModel>(code));
  }
  response.set_next_page_token(page->next_page_token);
  response.set_total(page->total);
  *bytes = response.ByteSizeLong();
  co_return response;
}

Task<absl::StatusOr<v1::GetHistoryResponse>> Monitor::GetHistory(const Principal& who, Caller caller,
                                                                 const v1::GetHistoryRequest& request) {
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, shard);
  absl::Status loaded = co_await Load(session, request.dossier(), caller.deadline);
  if (!loaded.ok()) co_return loaded;
  absl::StatusOr<common::v1::History> history =
      co_await session.ReadHistory<ClockModel>(request.dossier(), kLongestHistory, caller.deadline);
  if (!history.ok()) co_return history.status();
  v1::GetHistoryResponse response;
  *response.mutable_history() = *std::move(history);
  co_return response;
}

Task<absl::StatusOr<v1::GetStatisticsResponse>> Monitor::GetStatistics(
    const Principal& who, Caller caller, const v1::GetStatisticsRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  const absl::Time as_of = co_await AsOf(request.shard(), caller.deadline);
  store::Counters counters;
  absl::StatusOr<store::Counters> totals = co_await store_.ReadCounters(request.shard(), caller.deadline);
  if (!totals.ok()) co_return totals.status();
  counters.merge(*totals);
  std::vector<std::string> agencies(request.agencies().begin(), request.agencies().end());
  if (agencies.empty()) {
    absl::StatusOr<std::vector<std::string>> all = co_await CountedAgencies(request.shard(), caller.deadline);
    if (!all.ok()) co_return all.status();
    agencies = *std::move(all);
  }
  for (size_t from = 0; from < agencies.size(); from += kAgenciesAtOnce) {
    std::vector<std::string> fields;
    for (size_t i = from; i < std::min(from + kAgenciesAtOnce, agencies.size()); ++i) {
      for (std::string_view name : counter::kAllOfAgencies)
        fields.push_back(absl::StrCat(std::string(name), agencies[i]));
    }
    absl::StatusOr<store::Counters> some = co_await store_.ReadCounters(
        request.shard(), std::string(counter::kOfAgencies), std::move(fields), caller.deadline);
    if (!some.ok()) co_return some.status();
    counters.merge(*some);
  }
  co_return StatisticsOf(counters, as_of);
}

Task<absl::StatusOr<std::vector<std::string>>> Monitor::CountedAgencies(std::string shard,
                                                                        absl::Time deadline) const {
  std::set<std::string> agencies;
  std::string cursor = "0";
  do {
    absl::StatusOr<std::pair<std::string, std::vector<std::string>>> names =
        co_await store_.CounterNames(shard, std::string(counter::kOfAgencies), cursor, deadline);
    if (!names.ok()) co_return names.status();
    for (const std::string& name : names->second) {
      for (std::string_view prefix : counter::kAllOfAgencies) {
        if (name.compare(0, prefix.size(), prefix) == 0) agencies.insert(name.substr(prefix.size()));
      }
    }
    cursor = names->first;
  } while (cursor != "0");
  co_return std::vector<std::string>(agencies.begin(), agencies.end());
}

Task<absl::StatusOr<v1::ChangeDueResponse>> Monitor::ChangeDue(const Principal& who, Caller caller,
                                                               const v1::ChangeDueRequest& request) {
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") {
    co_return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code has a clock");
  }
  if (!catalogue.ok()) co_return catalogue.status();
  absl::Status settled = co_await subscriptions_.Reach(shard, store_.clock().Now(),
                                                       std::min(caller.deadline, absl::Now() + kSettle));
  if (!settled.ok()) {
    co_return errors::Unavailable("NOT_CAUGHT_UP",
                                  "what happened to the dossier until now is not known yet; try again");
  }
  const bool unrestricted = IsUnrestricted(who);
  store::Decide<ClockModel> decide = [this, &request, &shard, unrestricted, &catalogue = *catalogue](
                                         const internal::deadline::ClockRecord* record,
                                         const Context& context) {
    ChangeDueFacts facts;
    facts.unrestricted = unrestricted;
    facts.settled_until = subscriptions_.Watermark(shard);
    absl::StatusOr<store::Decision<internal::deadline::ClockRecord>> decision =
        DecideChangeDue(record, request, context, *catalogue, facts);
    if (decision.ok()) decision->record.set_trace(telemetry::PackTrace(context.traceparent));
    return decision;
  };
  store::Answer<ClockModel, v1::ChangeDueResponse> answer = [](const internal::deadline::ClockRecord& record,
                                                               v1::ChangeDueResponse& response) {
    *response.mutable_due() = record.clock().due();
  };
  absl::StatusOr<v1::ChangeDueResponse> response =
      co_await store::Mutate<ClockModel, v1::ChangeDueRequest, v1::ChangeDueResponse>(
          store_, std::move(caller), request, shard, request.dossier(), std::move(decide), std::move(answer));
  co_return response;
}

}  // namespace motcua::deadline
