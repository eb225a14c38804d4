#include "tests/bench/floors.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/rpc/client.h"
#include "common/status/errors.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "motcua/feed/v1/feed.grpc.pb.h"

namespace motcua::bench {

namespace {

using async::Task;

// Sizes in bytes of the parts of a transition, as routing writes them.
constexpr size_t kRecord = 330, kLine = 60, kEvent = 110, kReply = 90;

Task<absl::Status> Commit(store::Store& store, int worker, absl::Time end, uint64_t* done) {
  const store::Keyspace keys = store.Keys("F00");
  uint64_t version = 0;
  const std::string record_key = keys.Record("d", absl::StrCat("H30.18.05-260714-", 1000 + worker));
  const std::string history_key = keys.History("d", absl::StrCat("H30.18.05-260714-", 1000 + worker));
  while (absl::Now() < end) {
    const std::string request = keys.Request(store::RequestDigest("bench", absl::StrCat(worker, "/", version)));
    store::Transaction tx(keys);
    tx.TakesEffectAt(absl::Now());
    tx.CheckVersion(record_key, version);
    tx.PutRecord(record_key, version + 1, std::string(kRecord, 'r'));
    tx.Count(keys.Counters(), "work_done", 1);
    tx.Append(history_key, std::string(kLine, 'l'));
    tx.Emit(std::string(kEvent, 'e'));
    tx.CheckRequest(request);
    tx.StoreReply(request, std::string(kReply, 'p'), absl::Minutes(5));
    absl::StatusOr<store::CommitOutcome> outcome = co_await store.Commit(std::move(tx), end + absl::Seconds(10));
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind != store::CommitOutcome::Kind::kCommitted) {
      co_return errors::Internal("BENCH", "a commit of the floor was refused");
    }
    ++version;
    ++*done;
  }
  co_return absl::OkStatus();
}

class EmptyService final : public feed::v1::FeedService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Acknowledge(grpc::CallbackServerContext* context, const feed::v1::AcknowledgeRequest*,
                                        feed::v1::AcknowledgeResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

Task<absl::Status> CallEmpty(rpc::Client& client, absl::Time end, uint64_t* done) {
  while (absl::Now() < end) {
    feed::v1::AcknowledgeRequest request;
    auto call = client.Call<feed::v1::AcknowledgeResponse>(std::move(request));
    absl::StatusOr<feed::v1::AcknowledgeResponse> response = co_await std::move(call);
    if (!response.ok()) co_return response.status();
    ++*done;
  }
  co_return absl::OkStatus();
}

absl::StatusOr<double> Rate(async::Loop& loop, std::vector<Task<absl::Status>> workers, absl::Time start,
                            const uint64_t& done) {
  for (const absl::Status& status : async::SyncWait(loop, async::WhenAll(std::move(workers)))) {
    if (!status.ok()) return status;
  }
  return static_cast<double>(done) / absl::ToDoubleSeconds(absl::Now() - start);
}

}  // namespace

absl::StatusOr<double> RedisCommits(async::Loop& loop, redis::Client& redis, int in_flight, absl::Duration time) {
  time::SystemClock clock;
  store::Store store(redis, clock, absl::StrCat("floor", absl::ToUnixMicros(absl::Now())), absl::Minutes(5));
  uint64_t done = 0;
  const absl::Time start = absl::Now();
  std::vector<Task<absl::Status>> workers;
  for (int i = 0; i < in_flight; ++i) workers.push_back(Commit(store, i, start + time, &done));
  return Rate(loop, std::move(workers), start, done);
}

absl::StatusOr<double> EmptyCalls(rpc::Loop& loop, int in_flight, absl::Duration time) {
  EmptyService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return errors::Unavailable("ADDRESS_TAKEN", "no port for the empty service");
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      rpc::MakeChannel(rpc::ChannelOptions(absl::StrCat("127.0.0.1:", port)));
  if (!channel.ok()) return channel.status();
  absl::StatusOr<double> rate;
  {
    rpc::Client client(loop, *channel);
    uint64_t done = 0;
    const absl::Time start = absl::Now();
    std::vector<Task<absl::Status>> workers;
    for (int i = 0; i < in_flight; ++i) workers.push_back(CallEmpty(client, start + time, &done));
    rate = Rate(loop, std::move(workers), start, done);
  }
  server->Shutdown();
  return rate;
}

}  // namespace motcua::bench
