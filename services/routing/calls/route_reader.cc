#include "services/routing/calls/route_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/route/route_change.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {

namespace {

using async::Task;

constexpr uint32_t kLargestPage = 200;
// More than a history can have: what is open when the bound is reached is still closed, line by line.
constexpr uint32_t kHistoryLimit = kMaxHistoryLines + 1000;

absl::Status NoSuchDossier() {
  return errors::NotFound("DOSSIER_NOT_FOUND", "no route of a dossier with this code");
}

absl::Status Decode(const std::string& stored, internal::routing::RouteRecord& record) {
  uint64_t version = 0;
  absl::Status read = store::ReadStored<RouteModel>(stored, record, version);
  if (!read.ok()) return read;
  record.mutable_route()->set_version(version);
  return absl::OkStatus();
}

Task<absl::Status> ReadPage(store::Store& store, std::vector<store::ListName> lists,
                            v1::ListInboxRequest request, absl::Time deadline, store::IndexPage* page) {
  const uint32_t size =
      request.page_size() == 0 ? RouteReader::kDefaultPage : std::min(request.page_size(), kLargestPage);
  absl::StatusOr<store::IndexPage> read =
      co_await store.ReadIndexes(std::move(lists), size, request.page_token(), deadline);
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

absl::Status FirstFailed(const std::vector<absl::Status>& results) {
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

// The lists that the box is read from: the first in any case, as tokens are of it, and those that have
// anything.
std::vector<store::ListName> ToRead(const Lists& lists, const std::vector<BoxSizes>& sizes, v1::Box box) {
  const v1::Box wanted = box == v1::BOX_UNSPECIFIED ? v1::BOX_HELD : box;
  const auto place = static_cast<size_t>(std::find(kBoxes.begin(), kBoxes.end(), wanted) - kBoxes.begin());
  std::vector<store::ListName> names;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i == 0 || sizes[i][place] > 0)
      names.emplace_back(lists[i].shard, InboxIndex(wanted, lists[i].agency));
  }
  return names;
}

uint64_t CountOf(const store::Counters& counters, std::string_view name) {
  const auto found = counters.find(std::string(name));
  return found == counters.end() || found->second < 0 ? 0 : static_cast<uint64_t>(found->second);
}

}  // namespace

Task<absl::StatusOr<internal::routing::RouteRecord>> RouteReader::LoadRecord(std::string dossier,
                                                                             absl::Time deadline) const {
  std::vector<std::string> keys;
  keys.push_back(store_.Keys(store::ShardOf(dossier)).Record(RouteModel::kKind, dossier));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  if (!values->front().has_value()) {
    co_return NoSuchDossier();
  }
  internal::routing::RouteRecord record;
  absl::Status decoded = Decode(*values->front(), record);
  if (!decoded.ok()) co_return decoded;
  co_return record;
}

Task<absl::StatusOr<v1::Route>> RouteReader::Load(std::string dossier, absl::Time deadline) const {
  absl::StatusOr<internal::routing::RouteRecord> record = co_await LoadRecord(std::move(dossier), deadline);
  if (!record.ok()) co_return record.status();
  co_return std::move(*record->mutable_route());
}

Task<absl::StatusOr<std::vector<BoxSizes>>> RouteReader::Sizes(Lists lists, absl::Time deadline) const {
  std::map<std::string, std::vector<size_t>> places;
  for (size_t i = 0; i < lists.size(); ++i) places[lists[i].shard].push_back(i);
  std::vector<std::vector<uint64_t>> read(places.size());
  std::vector<Task<absl::Status>> reads;
  for (const auto& [shard, of_shard] : places) {
    std::vector<std::string> indexes;
    for (const size_t i : of_shard) {
      for (const v1::Box box : kBoxes) indexes.push_back(InboxIndex(box, lists[i].agency));
    }
    std::vector<uint64_t>* sizes = &read[reads.size()];
    reads.push_back(ReadSizes(store_, shard, std::move(indexes), deadline, sizes));
  }
  const std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
  absl::Status failed = FirstFailed(results);
  if (!failed.ok()) co_return failed;
  std::vector<BoxSizes> sizes(lists.size());
  size_t shard = 0;
  for (const auto& [name, of_shard] : places) {
    for (size_t i = 0; i < of_shard.size(); ++i)
      std::copy_n(read[shard].begin() + static_cast<ptrdiff_t>(i * kBoxes.size()), kBoxes.size(),
                  sizes[of_shard[i]].begin());
    ++shard;
  }
  co_return sizes;
}

Task<absl::StatusOr<RouteReader::Stored>> RouteReader::StoredRecords(const std::vector<std::string>* dossiers,
                                                                     absl::Time deadline) const {
  std::vector<std::pair<store::Keyspace, std::vector<size_t>>> shards;
  for (size_t i = 0; i < dossiers->size(); ++i) {
    const std::string shard = store::ShardOf((*dossiers)[i]);
    auto known = std::find_if(shards.begin(), shards.end(),
                              [&shard](const auto& entry) { return entry.first.shard() == shard; });
    if (known == shards.end()) known = shards.emplace(known, store_.Keys(shard), std::vector<size_t>());
    known->second.push_back(i);
  }
  Stored stored(dossiers->size());
  for (const auto& [keyspace, places] : shards) {
    std::vector<std::string> keys;
    keys.reserve(places.size());
    for (const size_t i : places) keys.push_back(keyspace.Record(RouteModel::kKind, (*dossiers)[i]));
    absl::StatusOr<Stored> values = co_await store_.Get(std::move(keys), deadline);
    if (!values.ok()) co_return values.status();
    for (size_t i = 0; i < places.size(); ++i) stored[places[i]] = std::move((*values)[i]);
  }
  co_return stored;
}

Task<absl::StatusOr<v1::ListInboxResponse>> RouteReader::Inbox(v1::ListInboxRequest request, Lists lists,
                                                               absl::Time deadline, size_t* bytes) const {
  v1::ListInboxResponse response;
  if (lists.empty()) co_return response;
  store::IndexPage page;
  std::vector<BoxSizes> sizes(lists.size());
  if (lists.size() == 1) {
    // Nearly always: both at once.
    std::vector<std::string> boxes;
    for (const v1::Box box : kBoxes) boxes.push_back(InboxIndex(box, lists[0].agency));
    std::vector<uint64_t> read;
    std::vector<Task<absl::Status>> reads;
    reads.push_back(ReadPage(store_, ToRead(lists, sizes, request.box()), request, deadline, &page));
    reads.push_back(ReadSizes(store_, lists[0].shard, std::move(boxes), deadline, &read));
    const std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
    absl::Status failed = FirstFailed(results);
    if (!failed.ok()) co_return failed;
    std::copy(read.begin(), read.end(), sizes[0].begin());
  } else {
    absl::StatusOr<std::vector<BoxSizes>> all = co_await Sizes(lists, deadline);
    if (!all.ok()) co_return all.status();
    sizes = *std::move(all);
    std::vector<store::ListName> names = ToRead(lists, sizes, request.box());
    absl::Status read = co_await ReadPage(store_, std::move(names), request, deadline, &page);
    if (!read.ok()) co_return read;
  }
  for (const BoxSizes& of_list : sizes) {
    response.set_held(response.held() + of_list[0]);
    response.set_offered(response.offered() + of_list[1]);
    response.set_consulted(response.consulted() + of_list[2]);
    response.set_waiting(response.waiting() + of_list[3]);
  }
  response.set_next_page_token(page.next_page_token);
  if (page.members.empty()) co_return response;

  absl::StatusOr<Stored> records = co_await StoredRecords(&page.members, deadline);
  if (!records.ok()) co_return records.status();
  response.mutable_routes()->Reserve(static_cast<int>(page.members.size()));
  internal::routing::RouteRecord record;
  for (const std::optional<std::string>& stored : *records) {
    if (!stored.has_value()) continue;
    absl::Status decoded = Decode(*stored, record);
    if (!decoded.ok()) co_return decoded;
    // What moved on between the two reads is not shown where it no longer is.
    const bool listed = std::any_of(lists.begin(), lists.end(), [&](const service::AgencyLists& list) {
      return IsListedIn(record.route(), request.box(), list.agency);
    });
    if (!listed) continue;
    *bytes += stored->size();
    response.add_routes()->Swap(record.mutable_route());
  }
  co_return response;
}

Task<absl::StatusOr<common::v1::History>> RouteReader::History(std::string dossier,
                                                               absl::Time deadline) const {
  store::Session session(store_, store::ShardOf(dossier));
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<RouteModel>(dossier));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  if (session.Find<RouteModel>(dossier) == nullptr)
    co_return session.unreadable().ok() ? NoSuchDossier() : session.unreadable();
  co_return co_await session.ReadHistory<RouteModel>(std::move(dossier), kHistoryLimit, deadline);
}

Task<absl::StatusOr<v1::GetStatisticsResponse>> RouteReader::Statistics(std::string shard,
                                                                        absl::Time deadline) const {
  absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(std::move(shard), deadline);
  if (!counters.ok()) co_return counters.status();
  v1::GetStatisticsResponse statistics;
  statistics.set_routes(CountOf(*counters, kRoutes));
  statistics.set_open(CountOf(*counters, kOpen));
  statistics.set_ended(CountOf(*counters, kEnded));
  statistics.set_hand_overs(CountOf(*counters, kHandOvers));
  statistics.set_work_done(CountOf(*counters, kWorkDone));
  statistics.set_work_refused(CountOf(*counters, kWorkRefused));
  statistics.set_successions(CountOf(*counters, kSuccessions));
  co_return statistics;
}

}  // namespace motcua::routing
