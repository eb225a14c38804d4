#include "services/routing/route_reader.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "services/routing/domain/route_change.h"
#include "services/routing/domain/route_model.h"

namespace motcua::routing {

namespace {

using async::Task;

constexpr uint32_t kDefaultPage = 50;
constexpr uint32_t kLargestPage = 200;
// More than a history can have: what is open when the bound is reached is still closed, line by line.
constexpr uint32_t kHistoryLimit = kMaxHistoryLines + 1000;

constexpr v1::Box kBoxes[] = {v1::BOX_HELD, v1::BOX_OFFERED, v1::BOX_CONSULTED, v1::BOX_WAITING};

absl::Status NoSuchDossier() {
  return errors::NotFound("DOSSIER_NOT_FOUND", "no route of a dossier with this code");
}

absl::Status Decode(const std::string& stored, v1::RouteRecord& record) {
  uint64_t version = 0;
  absl::Status read = store::ReadStored<RouteModel>(stored, record, version);
  if (!read.ok()) return read;
  record.mutable_route()->set_version(version);
  return absl::OkStatus();
}

Task<absl::Status> ReadPage(store::Store& store, std::string shard, std::string index,
                            v1::ListInboxRequest request, absl::Time deadline, store::IndexPage* page) {
  const uint32_t size = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kLargestPage);
  absl::StatusOr<store::IndexPage> read = co_await store.ReadIndex(
      std::move(shard), std::move(index), store::Order::kAscending, size, request.page_token(), deadline);
  if (read.ok()) *page = *std::move(read);
  co_return read.status();
}

Task<absl::Status> ReadSizes(store::Store& store, std::string shard, std::vector<std::string> indexes,
                             absl::Time deadline, std::vector<uint64_t>* sizes) {
  absl::StatusOr<std::vector<uint64_t>> read =
      co_await store.IndexSizes(std::move(shard), std::move(indexes), deadline);
  if (read.ok()) *sizes = *std::move(read);
  co_return read.status();
}

uint64_t CountOf(const store::Counters& counters, std::string_view name) {
  const auto found = counters.find(std::string(name));
  return found == counters.end() || found->second < 0 ? 0 : static_cast<uint64_t>(found->second);
}

}  // namespace

Task<absl::StatusOr<v1::RouteRecord>> RouteReader::LoadRecord(std::string dossier, absl::Time deadline) const {
  std::vector<std::string> keys;
  keys.push_back(store_.Keys(store::ShardOf(dossier)).Record(RouteModel::kKind, dossier));
  absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  if (!values->front().has_value()) {
    co_return NoSuchDossier();
  }
  v1::RouteRecord record;
  absl::Status decoded = Decode(*values->front(), record);
  if (!decoded.ok()) co_return decoded;
  co_return record;
}

Task<absl::StatusOr<v1::Route>> RouteReader::Load(std::string dossier, absl::Time deadline) const {
  absl::StatusOr<v1::RouteRecord> record = co_await LoadRecord(std::move(dossier), deadline);
  if (!record.ok()) co_return record.status();
  co_return std::move(*record->mutable_route());
}

Task<absl::StatusOr<v1::ListInboxResponse>> RouteReader::Inbox(v1::ListInboxRequest request,
                                                               absl::Time deadline) const {
  const store::Keyspace keys = store_.Keys(store::ShardOf(request.agency()));
  std::string index = InboxIndex(request.box(), request.agency());
  std::vector<std::string> boxes;
  for (v1::Box box : kBoxes) boxes.push_back(InboxIndex(box, request.agency()));
  store::IndexPage page;
  std::vector<uint64_t> sizes;
  std::vector<Task<absl::Status>> reads;
  reads.push_back(ReadPage(store_, keys.shard(), std::move(index), request, deadline, &page));
  reads.push_back(ReadSizes(store_, keys.shard(), std::move(boxes), deadline, &sizes));
  std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
  for (const absl::Status& result : results) {
    if (!result.ok()) co_return result;
  }
  v1::ListInboxResponse response;
  response.set_next_page_token(page.next_page_token);
  response.set_held(sizes[0]);
  response.set_offered(sizes[1]);
  response.set_consulted(sizes[2]);
  response.set_waiting(sizes[3]);
  if (page.members.empty()) co_return response;

  std::vector<std::string> records;
  for (const std::string& dossier : page.members) records.push_back(keys.Record(RouteModel::kKind, dossier));
  absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(std::move(records), deadline);
  if (!values.ok()) co_return values.status();
  response.mutable_routes()->Reserve(static_cast<int>(page.members.size()));
  v1::RouteRecord record;
  for (const std::optional<std::string>& value : *values) {
    if (!value.has_value()) continue;
    absl::Status decoded = Decode(*value, record);
    if (!decoded.ok()) co_return decoded;
    // What moved on between the two reads is not shown where it no longer is.
    if (IsListedIn(record.route(), request.box(), request.agency())) {
      response.add_routes()->Swap(record.mutable_route());
    }
  }
  co_return response;
}

Task<absl::StatusOr<common::v1::History>> RouteReader::History(std::string dossier, absl::Time deadline) const {
  store::Session session(store_, store::ShardOf(dossier));
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<RouteModel>(dossier));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  if (session.Find<RouteModel>(dossier) == nullptr)
    co_return session.unreadable().ok() ? NoSuchDossier() : session.unreadable();
  co_return co_await session.ReadHistory<RouteModel>(std::move(dossier), kHistoryLimit, deadline);
}

Task<absl::StatusOr<v1::Statistics>> RouteReader::Statistics(std::string shard, absl::Time deadline) const {
  absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(std::move(shard), deadline);
  if (!counters.ok()) co_return counters.status();
  v1::Statistics statistics;
  statistics.set_routes(CountOf(*counters, kRoutes));
  statistics.set_open(CountOf(*counters, kOpen));
  statistics.set_ended(CountOf(*counters, kEnded));
  statistics.set_hand_overs(CountOf(*counters, kHandOvers));
  statistics.set_work_done(CountOf(*counters, kWorkDone));
  statistics.set_work_refused(CountOf(*counters, kWorkRefused));
  co_return statistics;
}

}  // namespace motcua::routing
