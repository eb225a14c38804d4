#include "common/service/backend.h"

#include <algorithm>
#include <string_view>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/rpc/service_names.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/time/timestamp.h"

namespace motcua::service {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(5);
// How far an idle replica on simulated time lags behind the one that was advanced.
constexpr absl::Duration kFollow = absl::Milliseconds(30);

feed::PublisherOptions FeedOptions(BackendOptions options) {
  if (options.simulated_start != absl::InfinitePast()) {
    // Simulated time stands still between calls: nothing in flight can be earlier than the clock.
    options.publisher.grace = absl::ZeroDuration();
    options.publisher.eager = true;
  }
  return options.publisher;
}

constexpr absl::Duration kLook = absl::Seconds(1);

// Unlike that of any other process that works on the same data.
std::string NameOfProcess() {
  absl::BitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(random)));
}

admin::v1::DefinitionStatus::Step StepOf(const store::Phase& phase) {
  switch (phase.step) {
    case store::Phase::Step::kBuilding:
      return admin::v1::DefinitionStatus::STEP_BUILDING;
    case store::Phase::Step::kBuilt:
      return admin::v1::DefinitionStatus::STEP_BUILT;
    case store::Phase::Step::kRemoving:
      return admin::v1::DefinitionStatus::STEP_REMOVING;
    default:
      return admin::v1::DefinitionStatus::STEP_UNSPECIFIED;
  }
}

admin::v1::BootstrapStatus ToProto(const feed::Bootstrap& bootstrap) {
  admin::v1::BootstrapStatus status;
  switch (bootstrap.step) {
    case feed::Bootstrap::Step::kNone:
      status.set_step(admin::v1::BootstrapStatus::STEP_BEGINNING);
      return status;
    case feed::Bootstrap::Step::kReading:
      status.set_step(admin::v1::BootstrapStatus::STEP_BOOTSTRAPPING);
      break;
    case feed::Bootstrap::Step::kKnown:
      status.set_step(admin::v1::BootstrapStatus::STEP_CATCHING_UP);
      break;
  }
  status.set_records(bootstrap.records);
  *status.mutable_since() = time::ToTimestamp(bootstrap.since);
  status.set_position(bootstrap.position);
  status.set_as_of(bootstrap.as_of);
  return status;
}

// The longest that a call which may have come too early waits for the sources.
constexpr absl::Duration kEarlyPatience = absl::Seconds(2);

absl::Status NotHeard() {
  return errors::Unavailable("NOT_CAUGHT_UP", "perhaps another service has just told of it; try again");
}

// Counts one for as long as it lives.
class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;

 private:
  int& count_;
};

}  // namespace

Backend::Backend(async::Loop& loop, Description description, BackendOptions options,
                 std::map<std::string, std::unique_ptr<feed::Source>> sources, telemetry::Metrics& metrics)
    : loop_(loop),
      description_(std::move(description)),
      clock_(options.simulated_start == absl::InfinitePast()
                 ? std::unique_ptr<time::Clock>(std::make_unique<time::SystemClock>())
                 : std::make_unique<time::SimulatedClock>(options.simulated_start)),
      simulated_(dynamic_cast<time::SimulatedClock*>(clock_.get())),
      clock_known_(simulated_ == nullptr),
      redis_(loop, options.redis),
      tail_(loop, options.redis),
      store_(redis_, *clock_, description_.key_prefix, options.request_ttl, options.record_cache_bytes),
      leases_(loop, store_, description_.key_prefix + ":replicas", options.leases),
      publisher_(loop, store_, tail_, FeedOptions(options)),
      subscriptions_(loop, store_, description_.name),
      index_builder_(
          loop, store_, [this] { return publisher_.shards(); }, NameOfProcess()),
      catalogues_(loop, store_),
      advancing_(loop, 1),
      sources_(std::move(sources)),
      metrics_(metrics) {
  publisher_.SetLeases(leases_);
  subscriptions_.SetLeases(leases_);
  store_.SetDefinition(description_.definition);
  subscriptions_.OnProgress([this](const std::string& shard) {
    publisher_.Kick(shard);
    if (progressed_) progressed_(shard);
  });
  // A shard that a source has is a shard of this service too, from its first event on.
  subscriptions_.OnShard([this](std::string shard) {
    return publisher_.AddShard(std::move(shard), absl::Now() + kPatience);
  });
  if (description_.derives_events) {
    publisher_.SetBound([this](const std::string& shard) { return subscriptions_.Watermark(shard); });
    publisher_.SetAsk([this](std::string shard, absl::Time moment, absl::Time deadline) {
      return subscriptions_.Reach(std::move(shard), moment, deadline);
    });
  }
}

Backend::~Backend() = default;

void Backend::Consume(const std::string& source, feed::Projection& projection) {
  subscriptions_.Add(source, *sources_.at(source), projection);
}

Task<absl::Status> Backend::FollowClock(absl::Time deadline) {
  absl::StatusOr<absl::Time> held = co_await store_.ReadSimulatedNow(deadline);
  if (!held.ok()) co_return held.status();
  if (*held > simulated_->Now()) {
    simulated_->AdvanceTo(*held);
    publisher_.Kick();
  }
  clock_known_ = true;
  co_return absl::OkStatus();
}

// A replica that nobody calls moves on, too: its watermark, and the timers that wait for it.
Task<void> Backend::FollowReplicas(CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::Status slept = co_await loop_.Sleep(kFollow, cancel);
    if (!slept.ok() || !redis_.connected()) continue;
    absl::Status followed = co_await FollowClock(absl::Now() + kPatience);
    (void)followed;  // tried again
  }
}

// Tells once of a newer version, and of each trouble of a shard.
Task<void> Backend::WatchDefinitions(CancelToken cancel) {
  std::map<std::string, std::string> told;
  bool overtaken = false;
  while (!cancel.cancelled()) {
    for (const auto& [shard, state] : index_builder_.states()) {
      std::string& trouble = told[shard];
      if (!state.trouble.empty() && state.trouble != trouble) {
        telemetry::Log(telemetry::Level::kWarning, "lists are not being built",
                       {{"shard", shard}, {"error", state.trouble}});
      }
      trouble = state.trouble;
      if (!index_builder_.Overtaken(state) || std::exchange(overtaken, true)) continue;
      telemetry::Log(
          telemetry::Level::kWarning, "a newer version has taken over",
          {{"shard", shard}, {"definition", state.phase.to}, {"known", description_.definition.number}});
      if (overtaken_) overtaken_();
    }
    absl::Status slept = co_await loop_.Sleep(kLook, cancel);
    (void)slept;
  }
}

Task<void> Backend::Run(CancelToken cancel) {
  while (!clock_known_ && !cancel.cancelled()) {
    absl::Status connected = co_await redis_.WaitConnected(absl::Now() + kPatience, cancel);
    if (connected.ok()) connected = co_await FollowClock(absl::Now() + kPatience);
    if (!connected.ok()) connected = co_await loop_.Sleep(absl::Milliseconds(50), cancel);
  }
  std::vector<Task<void>> parts;
  parts.push_back(publisher_.Run(cancel));
  parts.push_back(subscriptions_.Run(cancel));
  parts.push_back(index_builder_.Run(cancel));
  parts.push_back(WatchDefinitions(cancel));
  parts.push_back(simulated_ != nullptr ? FollowReplicas(cancel) : leases_.Run(cancel));
  co_await async::WhenAll(std::move(parts));
}

Task<absl::Status> Backend::BeforeCall(std::shared_ptr<rpc::Call> call) {
  // Without Redis the call fails by itself, or does not need it.
  if (simulated_ != nullptr && redis_.connected()) {
    absl::Status followed = co_await FollowClock(std::min(call->deadline(), absl::Now() + kPatience));
    if (!followed.ok()) co_return followed;
  }
  for (const rpc::AfterWrite& write : call->after()) {
    absl::Status caught_up = co_await AwaitWrite(call.get(), &write);
    if (!caught_up.ok()) co_return caught_up;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Backend::AwaitWrite(const rpc::Call* call, const rpc::AfterWrite* write) {
  // What is not consumed cannot lag behind.
  if (!subscriptions_.consumes(write->service)) {
    if (write->service == description_.name || rpc::IsServiceName(write->service)) co_return absl::OkStatus();
    co_return errors::InvalidArgument("UNKNOWN_SERVICE", "motcua-after: there is no such service");
  }
  const feed::Consumer* consumer = subscriptions_.Find(write->service, write->shard);
  if (consumer != nullptr && consumer->applied() >= write->position) co_return absl::OkStatus();
  if (call->principal().is_anonymous()) {
    co_return errors::InvalidArgument("METADATA_INVALID", "motcua-after: only callers with a token may wait");
  }
  if (waiting_ >= kMostWaiting) {
    co_return errors::ResourceExhausted("TOO_MANY_CALLS",
                                        "too many calls wait for other services' news already");
  }
  const Counted counted(waiting_);
  const absl::Time patience = absl::Now() + kAfterPatience;
  absl::Status applied = co_await subscriptions_.AwaitApplied(
      write->service, write->shard, write->position, std::min(call->deadline(), patience), call->cancel());
  if (absl::IsNotFound(applied)) {
    co_return errors::InvalidArgument("POSITION_UNKNOWN", "motcua-after: there is no such feed");
  }
  if (absl::IsDeadlineExceeded(applied) && patience < call->deadline()) {
    co_return errors::Unavailable("NOT_CAUGHT_UP", std::string(applied.message()));
  }
  co_return applied;
}

Task<absl::Status> Backend::HearSources(std::shared_ptr<rpc::Call> call,
                                        const google::protobuf::Message& request, absl::Status refusal) {
  const google::protobuf::FieldDescriptor* dossier = request.GetDescriptor()->FindFieldByName("dossier");
  if (dossier == nullptr || call->principal().is_anonymous()) co_return refusal;
  if (waiting_ >= kMostWaiting) co_return NotHeard();
  const Counted counted(waiting_);
  const std::string shard = store::ShardOf(request.GetReflection()->GetString(request, dossier));
  const absl::Time deadline = std::min(call->deadline(), absl::Now() + kEarlyPatience);
  absl::Status heard = co_await subscriptions_.Hear(shard, deadline, call->cancel());
  if (absl::IsNotFound(heard)) co_return refusal;
  if (heard.ok() || absl::IsCancelled(heard)) co_return heard;
  co_return NotHeard();
}

Task<absl::StatusOr<admin::v1::AdvanceResponse>> Backend::Advance(admin::v1::AdvanceRequest request,
                                                                  absl::Time deadline) {
  if (simulated_ == nullptr) {
    co_return errors::FailedPrecondition("NOT_SIMULATED", "this service runs on the system clock");
  }
  if (!clock_known_) co_return errors::Unavailable("NOT_READY", "the service has not yet restored its clock");
  const absl::Time to = time::FromTimestamp(request.to());
  absl::Status turn = co_await advancing_.Acquire(deadline);
  if (!turn.ok()) co_return turn;
  absl::Status written;
  if (to > simulated_->Now()) {
    // Durable before anything can happen at that time: a restart never goes back.
    written = co_await store_.WriteSimulatedNow(to, deadline);
    if (written.ok()) simulated_->AdvanceTo(to);
  }
  advancing_.Release();
  if (!written.ok()) co_return written;
  publisher_.Kick();
  if (!request.no_wait()) {
    absl::Status consumed = co_await AwaitSources(to, deadline);
    if (!consumed.ok()) co_return consumed;
    absl::Status reached = co_await publisher_.AwaitWatermark(to, deadline);
    if (!reached.ok()) co_return reached;
  }
  admin::v1::AdvanceResponse response;
  *response.mutable_now() = time::ToTimestamp(simulated_->Now());
  co_return response;
}

// Shards that a source has and this service does not know yet count, too.
Task<absl::Status> Backend::AwaitSources(absl::Time moment, absl::Time deadline) {
  if (!description_.derives_events) co_return absl::OkStatus();
  for (const auto& [name, source] : sources_) {
    absl::StatusOr<std::vector<std::string>> shards = co_await source->ListShards(deadline);
    if (!shards.ok()) co_return shards.status();
    absl::Status consumed = co_await subscriptions_.AwaitWatermark(name, *std::move(shards), moment, deadline);
    if (!consumed.ok()) co_return consumed;
  }
  co_return absl::OkStatus();
}

admin::v1::GetStatusResponse Backend::Status() const {
  admin::v1::GetStatusResponse status;
  status.set_service(description_.name);
  status.set_ready(ready());
  status.set_simulated_time(simulated());
  *status.mutable_now() = time::ToTimestamp(clock_->Now());
  for (const auto& [key, consumer] : subscriptions_.All()) {
    admin::v1::ConsumerStatus* line = status.add_consumers();
    line->set_source(key.first);
    line->set_shard(key.second);
    line->set_applied(consumer->applied());
    line->set_seen(consumer->seen());
    line->set_trouble(consumer->trouble());
    line->set_epoch(consumer->epoch());
    if (const feed::Losses& losses = consumer->losses(); losses.total > 0) {
      line->mutable_lost()->set_total(losses.total);
      line->mutable_lost()->set_epoch(losses.epoch);
      line->mutable_lost()->set_first(losses.first);
      line->mutable_lost()->set_last(losses.last);
      *line->mutable_lost()->mutable_found_at() = time::ToTimestamp(losses.found_at);
    }
    if (consumer->trimmed() || consumer->bootstrap().step != feed::Bootstrap::Step::kNone)
      *line->mutable_bootstrap() = ToProto(consumer->bootstrap());
    if (consumer->watermark() != absl::InfinitePast()) {
      *line->mutable_watermark() = time::ToTimestamp(consumer->watermark());
    }
  }
  for (const std::string& shard : publisher_.shards()) {
    admin::v1::FeedStatus* line = status.add_feeds();
    line->set_shard(shard);
    line->set_position(publisher_.position(shard));
    const store::FeedHistory& history = *publisher_.history(shard);
    line->set_epoch(history.epoch);
    for (const auto& [epoch, end] : history.ended) {
      feed::v1::EpochEnd* ended = line->add_ended();
      ended->set_epoch(epoch);
      ended->set_position(end);
    }
    if (publisher_.watermark(shard) != absl::InfinitePast()) {
      *line->mutable_watermark() = time::ToTimestamp(publisher_.watermark(shard));
    }
  }
  status.set_definition(description_.definition.number);
  for (const auto& [shard, state] : index_builder_.states()) {
    admin::v1::DefinitionStatus* line = status.add_definitions();
    line->set_shard(shard);
    line->set_step(index_builder_.Overtaken(state) ? admin::v1::DefinitionStatus::STEP_OVERTAKEN
                                                   : StepOf(state.phase));
    line->set_from_definition(state.phase.from);
    line->set_to_definition(state.phase.to);
    line->set_records(state.records);
    line->set_written(state.written);
    line->set_done(state.done);
    line->set_total(state.total);
    if (state.since != absl::InfinitePast()) *line->mutable_since() = time::ToTimestamp(state.since);
    line->set_trouble(state.trouble);
  }
  if (add_status_) add_status_(status);
  return status;
}

}  // namespace motcua::service
