#include "tests/integration/engines/load.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/status/errors.h"
#include "common/store/mutate.h"
#include "tests/integration/store/ledger.h"
#include "tests/support/wait.h"

namespace motcua::store {

using async::Task;
using routing::v1::CompleteWorkRequest;

namespace {

// Ledger holds no more.
constexpr uint64_t kMost = 1000;

bool MayBeRepeated(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status);
}

}  // namespace

Load::Load(async::Loop& loop, Store& store, const std::vector<std::string>& shards, int per_shard)
    : loop_(loop), store_(store) {
  for (const std::string& shard : shards) {
    for (int i = 0; i < per_shard; ++i) {
      auto account = std::make_unique<Account>();
      account->shard = shard;
      account->id = absl::StrCat(shard, ".18.05-260714-000", i);
      accounts_.push_back(std::move(account));
    }
  }
}

void Load::Start() {
  working_ = static_cast<int>(accounts_.size());
  for (const std::unique_ptr<Account>& account : accounts_) {
    loop_.Spawn(Work(account.get()), [this] { --working_; });
  }
}

void Load::Stop() {
  stopping_ = true;
  test::WaitUntil([this] { return working_.load() == 0; }, absl::Seconds(60));
}

Task<absl::StatusOr<Load::Response>> Load::Add(Store* store, std::string shard, std::string id,
                                               std::string request_id, absl::Duration patience) {
  CompleteWorkRequest request;
  request.set_request_id(std::move(request_id));
  request.set_dossier(id);
  common::v1::Actor actor;
  actor.set_id("officer");
  Decide<Ledger> decide = [&id](const Ledger::Record* record, const Context& context) {
    return Ledger::Add(record, context, id, 1, "a");
  };
  Answer<Ledger, Response> answer = [](const Ledger::Record& record, Response& response) {
    response.set_holder(record.route().holder());
  };
  Caller caller(std::move(actor), "", absl::Now() + patience);
  co_return co_await Mutate<Ledger, CompleteWorkRequest, Response>(
      *store, std::move(caller), request, std::move(shard), id, std::move(decide), std::move(answer));
}

Task<void> Load::Work(Account* account) {
  for (uint64_t number = 1; number <= kMost && !stopping_; ++number) {
    // Told that it is done, once the load has begun to stop, too.
    while (true) {
      absl::StatusOr<Response> told = co_await Add(&store_, account->shard, account->id,
                                                   absl::StrCat("request-", number), absl::Seconds(3));
      if (told.ok()) break;
      if (!MayBeRepeated(told.status())) {
        failed_.Update(told.status());
        co_return;
      }
      ++repeated_;
      absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(5));
      (void)slept;
    }
    ++account->added;
    ++acknowledged_;
    absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(10));
    (void)slept;
  }
}

uint64_t Load::acknowledged(const std::string& shard) const {
  uint64_t sum = 0;
  for (const std::unique_ptr<Account>& account : accounts_)
    sum += account->shard == shard ? account->added.load() : 0;
  return sum;
}

Task<absl::Status> Load::CheckAccount(const Account* account) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  Session session(store_, account->shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<Ledger>(account->id));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const Ledger::Record* record = session.Find<Ledger>(account->id);
  const uint64_t held = record == nullptr ? 0 : record->route().work_done();
  const uint64_t added = account->added.load();
  if (held != added) {
    co_return absl::DataLossError(absl::StrCat(account->id, " holds ", held, ", acknowledged were ", added));
  }
  if (held == 0) co_return absl::OkStatus();
  absl::StatusOr<common::v1::History> history =
      co_await session.ReadHistory<Ledger>(account->id, 10000, deadline);
  if (!history.ok()) co_return history.status();
  const auto lines = static_cast<uint64_t>(history->entries_size());
  if (!history->verified() || lines != added) {
    co_return absl::DataLossError(absl::StrCat(account->id, "'s history has ", lines, " lines of ", added));
  }
  co_return absl::OkStatus();
}

absl::Status Load::Check() {
  if (working_.load() != 0) return absl::DeadlineExceededError("somebody was never told");
  absl::Status all = failed_;
  for (const std::unique_ptr<Account>& account : accounts_) {
    all.Update(async::SyncWait(loop_, CheckAccount(account.get())));
  }
  return all;
}

}  // namespace motcua::store
