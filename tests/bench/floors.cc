#include "tests/bench/floors.h"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/rpc/client.h"
#include "common/rpc/health.h"
#include "common/rpc/server.h"
#include "common/rpc/unary.h"
#include "common/status/errors.h"
#include "motcua/feed/v1/feed.pb.h"
#include "tests/bench/floor_commit.h"

namespace motcua::bench {

namespace {

using async::Task;

// The commit that this benchmark has always measured by: its script and its parts stay what they are,
// whatever the store does, so that ratios of different versions can be compared. The digest is that of the
// frozen script.
constexpr char kFrozenScript[] = "134ab81ed5f1dd8a59f397ee9d5e6afe260e08bb";
// Sizes in bytes of the parts of a transition, as routing wrote them.
constexpr size_t kRecord = 330, kLine = 60, kEvent = 110, kReply = 90;
constexpr int kReplySeconds = 300;
constexpr size_t kUnlinkedAtOnce = 500;
constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;

const redis::Script& CommitScript() {
  static const auto* script = new redis::Script(kFloorCommitScript);
  return *script;
}

void AppendBigEndian(std::string& out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift & 0xff));
}

// Spreads numbers over 64 bits (the finaliser of splitmix64); one to one.
uint64_t Mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// The keys and arguments of the commits of one dossier.
class Dossier {
 public:
  Dossier(const std::string& base, int worker)
      : base_(base),
        worker_(static_cast<uint64_t>(worker)),
        record_(absl::StrCat(base, "d:H30.18.05-260714-", 1000 + worker)),
        history_(absl::StrCat(base, "l:d:H30.18.05-260714-", 1000 + worker)) {}

  redis::ScriptCall Commit(absl::Time now) {
    std::string held, next;
    if (version_ > 0) AppendBigEndian(held, version_);
    AppendBigEndian(next, version_ + 1);
    next.append(kRecord, 'r');
    const std::string request = Request(version_);
    redis::ScriptCall call(CommitScript());
    call.Key(watermark_).Key(record_).Key(request);
    call.Key(record_).Key(counters_).Key(history_).Key(feed_).Key(request);
    call.Arg(absl::ToUnixMicros(now)).Arg(2).Arg("v").Arg(held).Arg("q");
    call.Arg("S").Arg(next).Arg("H").Arg("work_done").Arg(1).Arg("L").Arg(line_).Arg("E").Arg(event_);
    call.Arg("Q").Arg(kReplySeconds).Arg(reply_);
    return call;
  }
  void Committed() { ++version_; }
  uint64_t version() const { return version_; }

  // Key of the stored reply: behind a digest of 16 bytes.
  std::string Request(uint64_t version) const {
    std::string key = base_ + "q:";
    AppendBigEndian(key, Mixed(kSpread + (version << 16 | worker_)));
    AppendBigEndian(key, Mixed(~(kSpread + (version << 16 | worker_))));
    return key;
  }
  const std::string& record() const { return record_; }
  const std::string& history() const { return history_; }
  const std::string& counters() const { return counters_; }
  const std::string& feed() const { return feed_; }

 private:
  const std::string base_;
  const uint64_t worker_;
  const std::string record_, history_;
  const std::string watermark_ = base_ + "wm", counters_ = base_ + "n", feed_ = base_ + "feed";
  const std::string line_ = std::string(kLine, 'l'), event_ = std::string(kEvent, 'e');
  const std::string reply_ = std::string(kReply, 'p');
  uint64_t version_ = 0;
};

Task<absl::Status> Commit(redis::Client& redis, Dossier& dossier, absl::Time end, uint64_t* done) {
  for (absl::Time now = absl::Now(); now < end; now = absl::Now()) {
    absl::StatusOr<redis::Reply> reply = co_await redis.Eval(dossier.Commit(now), end + absl::Seconds(10));
    if (!reply.ok()) co_return reply.status();
    if (reply->items().size() != 2 || reply->items()[0].text() != "OK") {
      co_return errors::Internal("BENCH", "a commit of the floor was refused");
    }
    dossier.Committed();
    ++*done;
  }
  co_return absl::OkStatus();
}

// Takes away what the floor has written, so that its replies do not expire in the midst of what is measured
// next.
Task<absl::Status> Unlink(redis::Client& redis, const Dossier& dossier) {
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  std::vector<std::string> keys = {dossier.record(), dossier.history(), dossier.counters(), dossier.feed()};
  for (uint64_t version = 0; version < dossier.version() || !keys.empty(); ++version) {
    if (version < dossier.version()) keys.push_back(dossier.Request(version));
    if (keys.size() < kUnlinkedAtOnce && version < dossier.version()) continue;
    redis::Command unlink("UNLINK");
    for (const std::string& key : keys) unlink.Arg(key);
    keys.clear();
    absl::StatusOr<redis::Reply> reply = co_await redis.Execute(std::move(unlink), deadline);
    if (!reply.ok()) co_return reply.status();
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<feed::v1::AcknowledgeResponse>> Empty() { co_return feed::v1::AcknowledgeResponse(); }

Task<absl::Status> CallEmpty(rpc::Client& client, absl::Time end, uint64_t* done) {
  while (absl::Now() < end) {
    feed::v1::AcknowledgeRequest request;
    request.set_shard("F00");
    request.set_consumer("floor");
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

absl::StatusOr<double> RedisCommits(const redis::Options& options, int in_flight, absl::Duration time) {
  if (CommitScript().sha() != kFrozenScript)
    return errors::Internal("BENCH", "the floor's script was changed");
  const std::string base = absl::StrCat("floor", absl::ToUnixMicros(absl::Now()), ":{F00}:");
  async::Loop loop("floor");  // with nothing but the connection
  redis::Client redis(loop, options);
  absl::Status connected = async::SyncWait(loop, redis.WaitConnected(absl::Now() + absl::Seconds(10)));
  if (!connected.ok()) return connected;
  std::deque<Dossier> dossiers;
  uint64_t done = 0;
  const absl::Time start = absl::Now();
  std::vector<Task<absl::Status>> workers;
  for (int i = 0; i < in_flight; ++i) {
    workers.push_back(Commit(redis, dossiers.emplace_back(base, i), start + time, &done));
  }
  absl::StatusOr<double> rate = Rate(loop, std::move(workers), start, done);
  if (!rate.ok()) return rate;
  for (const Dossier& dossier : dossiers) {
    absl::Status unlinked = async::SyncWait(loop, Unlink(redis, dossier));
    if (!unlinked.ok()) return unlinked;
  }
  return rate;
}

absl::StatusOr<double> EmptyCalls(int in_flight, absl::Duration time) {
  telemetry::InertMetrics metrics;
  rpc::Loop serving("serving"), calling("calling");
  auth::Policy policy;
  policy.Allow("motcua.feed.v1.FeedService/Acknowledge", {auth::kAnyone});
  rpc::Host host(serving, std::move(policy), std::nullopt, metrics);
  host.Unary<feed::v1::AcknowledgeRequest, feed::v1::AcknowledgeResponse>(
      [](std::shared_ptr<rpc::Call>, const feed::v1::AcknowledgeRequest&) { return Empty(); });
  rpc::Health health(metrics);
  absl::StatusOr<std::unique_ptr<rpc::Server>> server =
      rpc::Server::Start(rpc::ServerOptions(), host, health);
  if (!server.ok()) return server.status();
  host.Open();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      rpc::MakeChannel(rpc::ChannelOptions(absl::StrCat("127.0.0.1:", (*server)->port())));
  if (!channel.ok()) return channel.status();
  rpc::Client client(calling, *channel);
  uint64_t done = 0;
  const absl::Time start = absl::Now();
  std::vector<Task<absl::Status>> workers;
  for (int i = 0; i < in_flight; ++i) workers.push_back(CallEmpty(client, start + time, &done));
  absl::StatusOr<double> rate = Rate(calling, std::move(workers), start, done);
  (*server)->Shutdown(absl::Now() + absl::Seconds(5));
  return rate;
}

}  // namespace motcua::bench
