// A source whose feed no longer begins at its start, and followers that take its snapshot.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/feed/bootstrap.h"
#include "common/feed/retelling.h"
#include "common/store/session.h"
#include "gmock/gmock.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"
#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {

// Counts what was done to a subject, at the source and at the consumer.
struct TallyModel {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// As one event that tells of all that was done.
inline std::vector<v1::Event> RetellTally(const TallyModel::Record& record) {
  std::vector<v1::Event> events(1);
  events[0].set_subject(record.route().dossier());
  events[0].mutable_work_completed()->set_activity(absl::StrCat(record.route().work_done()));
  return events;
}

inline std::string Subject(int number) { return absl::StrFormat("H30.18.05-260714-%04d", number); }

// Takes each subject's events in their order, and counts those that do not fit.
class TallyProjection final : public Projection {
 public:
  Task<absl::Status> Apply(store::Session& session, Events events, absl::Time) override {
    std::vector<std::string> keys;
    for (const v1::Event* event : events) keys.push_back(session.KeyOf<TallyModel>(event->subject()));
    absl::Status fetched = co_await session.FetchToChange(std::move(keys), Soon());
    if (!fetched.ok()) co_return fetched;
    for (const v1::Event* event : events) {
      const TallyModel::Record* record = session.Find<TallyModel>(event->subject());
      TallyModel::Record now = record == nullptr ? TallyModel::Record() : *record;
      uint32_t number = 0;
      if (!absl::SimpleAtoi(event->work_completed().activity(), &number))
        co_return errors::Unavailable("BAD_NUMBER", "no number");
      // `work_refused`: what came twice or was skipped.
      if (number != now.route().work_done() + 1)
        now.mutable_route()->set_work_refused(now.route().work_refused() + 1);
      now.mutable_route()->set_dossier(event->subject());
      now.mutable_route()->set_work_done(number);
      ++applied_;
      session.Apply<TallyModel>(event->subject(), store::Decision<TallyModel::Record>(std::move(now)));
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> ApplySnapshot(store::Session& session, Records records, absl::Time) override {
    std::vector<std::string> keys;
    for (const v1::SnapshotRecord* one : records) keys.push_back(session.KeyOf<TallyModel>(one->subject()));
    absl::Status fetched = co_await session.FetchToChange(std::move(keys), Soon());
    if (!fetched.ok()) co_return fetched;
    for (const v1::SnapshotRecord* one : records) {
      const TallyModel::Record* record = session.Find<TallyModel>(one->subject());
      TallyModel::Record now = record == nullptr ? TallyModel::Record() : *record;
      uint32_t number = 0;
      if (!absl::SimpleAtoi(one->events(0).work_completed().activity(), &number))
        co_return errors::Unavailable("BAD_NUMBER", "no number");
      now.mutable_route()->set_dossier(one->subject());
      now.mutable_route()->set_work_done(number);
      session.Apply<TallyModel>(one->subject(), store::Decision<TallyModel::Record>(std::move(now)));
    }
    co_return absl::OkStatus();
  }

  std::atomic<int> applied_{0};
};

// Holds up a snapshot before a step, until it is let go on.
class HeldSource final : public Source {
 public:
  HeldSource(async::Loop& loop, Publisher& publisher) : local_(loop, publisher), more_(loop), speak_(loop) {}

  Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) override {
    return local_.ListShards(deadline);
  }
  std::unique_ptr<SourceStream> Open(v1::ReadRequest request) override {
    if (muted_) return std::make_unique<Silence>(speak_);
    return local_.Open(std::move(request));
  }
  std::unique_ptr<SnapshotStream> OpenSnapshot(v1::SnapshotRequest request) override {
    requests_.push_back(request);
    broken_ = false;
    return std::make_unique<Held>(*this, local_.OpenSnapshot(std::move(request)));
  }
  Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) override {
    return local_.Acknowledge(std::move(request), deadline);
  }
  Task<absl::StatusOr<v1::ReachResponse>> Reach(v1::ReachRequest request, absl::Time deadline) override {
    return local_.Reach(std::move(request), deadline);
  }

  static constexpr int kAll = 1'000'000;
  // On the loop: `steps` more are given, then none.
  void HoldAfter(int steps) { left_ = steps; }
  void Give(int steps) {
    left_ = steps;
    more_.Set();
    more_.Reset();
  }
  // On the loop: the stream that is open ends, with what was read ahead.
  void Break() { broken_ = true; }
  // On the loop: no events are given any more.
  void Mute() { muted_ = true, speak_.Reset(); }
  void Speak() { muted_ = false, speak_.Set(); }
  std::atomic<bool> held_{false};
  std::vector<v1::SnapshotRequest> requests_;

 private:
  class Silence final : public SourceStream {
   public:
    explicit Silence(async::Event& speak) : speak_(speak) {}
    Task<absl::StatusOr<Step>> Next(async::CancelToken cancel) override {
      absl::Status gone = co_await speak_.Wait(absl::InfiniteFuture(), cancel);
      co_return gone.ok() ? errors::Unavailable("PEER_UNAVAILABLE", "open it anew") : gone;
    }

   private:
    async::Event& speak_;
  };
  class Held final : public SnapshotStream {
   public:
    Held(HeldSource& source, std::unique_ptr<SnapshotStream> stream)
        : source_(source), stream_(std::move(stream)) {}
    Task<absl::StatusOr<std::optional<v1::SnapshotResponse>>> Next(async::CancelToken cancel) override {
      while (source_.left_ == 0) {
        source_.held_ = true;
        absl::Status more = co_await source_.more_.Wait(absl::InfiniteFuture(), cancel);
        source_.held_ = false;
        if (!more.ok()) co_return more;
      }
      if (source_.broken_) co_return errors::Unavailable("PEER_UNAVAILABLE", "open it anew");
      --source_.left_;
      co_return co_await stream_->Next(cancel);
    }

   private:
    HeldSource& source_;
    std::unique_ptr<SnapshotStream> stream_;
  };

  test::LocalSource local_;
  async::Event more_;
  async::Event speak_;
  int left_ = kAll;
  bool muted_ = false;
  bool broken_ = false;
};

// A replica of the consuming service.
class Follower {
 public:
  Follower(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock, Publisher& publisher)
      : loop_(loop),
        client_(loop, RedisOptions(redis)),
        store_(client_, clock, "ro", absl::Hours(1)),
        source_(loop, publisher),
        subscriptions_(loop, store_, "routing", SoonStuck()),
        cancel_(loop),
        running_(loop) {
    store_.SetDefinition(store::Definition(1, {&store::KindOf<TallyModel>()}));
    subscriptions_.Add("intake", source_, projection_);
  }
  ~Follower() { Stop(); }
  void Start() {
    loop_.RunAndWait([&] { running_.Spawn(subscriptions_.Run(cancel_.token())); });
  }
  void Stop() {
    cancel_.Cancel();
    SyncWait(loop_, running_.Ended());
  }
  void HoldAfter(int steps) {
    loop_.RunAndWait([&] { source_.HoldAfter(steps); });
  }
  void Give(int steps) {
    loop_.RunAndWait([&] { source_.Give(steps); });
  }
  void LetGo() { Give(HeldSource::kAll); }
  template <class T>
  T Of(std::function<T(const Consumer&)> get) {
    T value{};
    loop_.RunAndWait([&] {
      const Consumer* consumer = subscriptions_.Find("intake", "H30");
      if (consumer != nullptr) value = get(*consumer);
    });
    return value;
  }
  uint64_t applied() {
    return Of<uint64_t>([](const Consumer& consumer) { return consumer.applied(); });
  }
  Bootstrap bootstrap() {
    return Of<Bootstrap>([](const Consumer& consumer) { return consumer.bootstrap(); });
  }
  uint64_t bootstraps() {
    return Of<uint64_t>([](const Consumer& consumer) { return consumer.bootstraps(); });
  }
  std::string Standing() {
    return Of<std::string>([](const Consumer& consumer) {
      return absl::StrCat("applied ", consumer.applied(), ", seen ", consumer.seen(), ", snapshot ",
                          consumer.bootstrap().Text(), ", trouble: ", consumer.trouble());
    });
  }

  async::Loop& loop_;
  redis::Client client_;
  store::Store store_;
  HeldSource source_;
  TallyProjection projection_;
  Subscriptions subscriptions_;
  async::CancelSource cancel_;
  async::Children running_;
};

class BootstrapTest : public FeedTest {
 protected:
  void SetUp() override {
    store_.SetDefinition(store::Definition(1, {&store::KindOf<TallyModel>()}));
    FeedTest::SetUp();
    loop_.RunAndWait([&] { publisher_.SetRetelling(retelling_); });
  }

  // Does something to a subject.
  void Act(int number) {
    const std::string subject = Subject(number);
    store::Session session(store_, "H30");
    std::vector<std::string> keys = {session.KeyOf<TallyModel>(subject)};
    ASSERT_TRUE(SyncWait(loop_, session.FetchToChange(std::move(keys), Soon())).ok());
    absl::StatusOr<store::CommitOutcome> outcome;
    loop_.RunAndWait([&] {
      const TallyModel::Record* record = session.Find<TallyModel>(subject);
      store::Decision<TallyModel::Record> decision(record == nullptr ? TallyModel::Record() : *record);
      decision.record.mutable_route()->set_dossier(subject);
      decision.record.mutable_route()->set_work_done(++done_[subject]);
      v1::Event& event = decision.events.emplace_back();
      *event.mutable_at() = time::ToTimestamp(clock_.Now());
      event.set_subject(subject);
      event.mutable_work_completed()->set_activity(absl::StrCat(done_[subject]));
      session.Apply<TallyModel>(subject, std::move(decision));
    });
    outcome = SyncWait(loop_, session.Commit(Soon()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->kind, store::CommitOutcome::Kind::kCommitted);
    end_ = outcome->position;
  }
  void ActOnAll(int from, int until) {
    for (int number = from; number < until; ++number) Act(number);
  }
  // Waits until the feed no longer begins at its start.
  void AwaitTrimmed() {
    ASSERT_TRUE(WaitUntil([&] {
      redis::Command first("XRANGE");
      first.Arg(store_.Keys("H30").Feed()).Arg("-").Arg("+").Arg("COUNT").Arg(1);
      absl::StatusOr<redis::Reply> reply = SyncWait(loop_, client_.Execute(std::move(first), Soon()));
      return reply.ok() && !reply->items().empty() && reply->items()[0].items()[0].text() != "0-1";
    }));
  }
  // Every subject stands at the consumer as at the source, and none of its events came twice or was skipped.
  void ExpectTheSame(Follower& follower) {
    ASSERT_TRUE(WaitUntil([&] { return follower.applied() >= end_; })) << follower.Standing();
    for (const auto& [subject, done] : done_) {
      const std::string key = follower.store_.Keys("H30").Record(TallyModel::kKind, subject);
      std::vector<std::string> keys = {key};
      auto values = SyncWait(loop_, follower.store_.Get(std::move(keys), Soon()));
      ASSERT_TRUE(values.ok());
      ASSERT_TRUE(values->front().has_value()) << subject << " is missing";
      TallyModel::Record record;
      uint64_t version = 0;
      ASSERT_TRUE(store::ReadStored<TallyModel>(*values->front(), record, version).ok());
      EXPECT_EQ(record.route().work_done(), done) << subject;
      EXPECT_EQ(record.route().work_refused(), 0u) << subject << ": came twice or was skipped";
    }
  }
  bool Stored(Follower& follower, const std::string& key) {
    std::vector<std::string> keys = {key};
    auto values = SyncWait(loop_, follower.store_.Get(std::move(keys), Soon()));
    return values.ok() && values->front().has_value();
  }
  // What is kept of the snapshot goes when the cursor has passed all that it had.
  void ExpectForgotten(Follower& follower) {
    ASSERT_TRUE(WaitUntil([&] { return !Stored(follower, follower.store_.Keys("H30").Bootstrap("intake")); }))
        << follower.Standing();
    redis::Command pages("LRANGE");
    pages.Arg(follower.store_.Keys("H30").BootstrapPages("intake")).Arg(0).Arg(-1);
    absl::StatusOr<redis::Reply> reply = SyncWait(loop_, client_.Execute(std::move(pages), Soon()));
    ASSERT_TRUE(reply.ok());
    EXPECT_TRUE(reply->items().empty());
    ASSERT_TRUE(WaitUntil([&] { return follower.bootstrap().step == Bootstrap::Step::kNone; }));
  }
  std::vector<v1::FeedConsumer> Listed() {
    v1::ListConsumersRequest request;
    request.set_shard("H30");
    auto listed = SyncWait(loop_, publisher_.ListConsumers(request, Soon()));
    if (!listed.ok()) return {};
    return std::vector<v1::FeedConsumer>(listed->consumers().begin(), listed->consumers().end());
  }
  std::unique_ptr<Follower> NewFollower() {
    return std::make_unique<Follower>(loop_, redis_, clock_, publisher_);
  }
  // 250 subjects in three pages, and a feed that no longer begins at its start.
  void FillAndTrim() {
    ActOnAll(0, 250);
    AwaitTrimmed();
  }

  RetellingOf<TallyModel> retelling_{&RetellTally};
  std::map<std::string, uint32_t> done_;
  uint64_t end_ = 0;
};

}  // namespace motcua::feed
