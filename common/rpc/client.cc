#include "common/rpc/client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <atomic>
#include <random>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/async/waiter.h"
#include "common/rpc/backoff.h"
#include "common/rpc/grpc_status.h"
#include "common/status/errors.h"

namespace motcua::rpc {

using google::protobuf::Message;
using google::protobuf::MessageLite;
using google::protobuf::MethodDescriptor;

namespace {

constexpr absl::Duration kDefaultDeadline = absl::Seconds(10);
constexpr absl::Duration kDefaultBlockingDeadline = absl::Seconds(30);
constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

absl::Status GivenUp() { return errors::Cancelled("CANCELLED", "the caller gave up"); }

// Spreads the attempts of many clients; needs no secrecy.
uint64_t Seed() {
  static std::atomic<uint64_t> next{std::random_device()()};  // the device is asked once, not for every call
  return next.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
}

// The name of the servers of an address list: its first address. Empty for any other target, which names them
// itself.
std::string NameOfList(std::string_view target) {
  if (!target.starts_with("ipv4:") && !target.starts_with("ipv6:")) return "";
  target.remove_prefix(5);
  return std::string(target.substr(0, target.find(',')));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  auto credentials = MakeChannelCredentials(options.tls);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000);
  if (std::string name = NameOfList(options.target); !name.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, name);
  }
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Also the time that an attempt may take, TLS handshake included: too short, and a busy machine never connects.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Answers and feed steps are bounded by the servers; this leaves room above their bounds.
  arguments.SetMaxReceiveMessageSize(16 << 20);
  // A peer that vanished without a word is noticed within half a minute, also on an idle stream.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(options.target, *credentials, arguments);
}

namespace internal {

// Counts the calls that gRPC still holds. Holds nothing of gRPC's itself, so that a thread of gRPC's may be
// the last to let go of it.
class UnderWay {
 public:
  void Enter(grpc::ClientContext* context) {
    absl::MutexLock lock(&mutex_);
    contexts_.insert(context);
    ++held_;
  }
  // The call has ended: its context may go.
  void Leave(grpc::ClientContext* context) {
    absl::MutexLock lock(&mutex_);
    contexts_.erase(context);
  }
  // gRPC's thread has let go of all that the call held, the channel above all. gRPC 1.51 ends its callback
  // threads with the last channel: one of them that lets go of it waits for its own end, and the process
  // aborts. (tests/integration/rpc/client_end_test.cc)
  void LetGo() {
    absl::MutexLock lock(&mutex_);
    --held_;
  }
  bool closing() {
    absl::MutexLock lock(&mutex_);
    return closing_;
  }
  void CancelAllAndWait() {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
    mutex_.Await(absl::Condition(
        +[](int* held) { return *held == 0; }, &held_));
  }

 private:
  absl::Mutex mutex_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  int held_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mutex_);
};

// What the calls of one client share.
class ClientCore {
 public:
  ClientCore(async::Loop* loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
      : loop(loop), channel(std::move(channel)), stub(this->channel), bearer_token_(std::move(bearer_token)) {}

  void Prepare(grpc::ClientContext& context, const CallOptions& options, absl::Time deadline) {
    if (deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(deadline));
    const std::string& token = options.bearer_token.empty() ? bearer_token_ : options.bearer_token;
    if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    if (!options.traceparent.empty()) context.AddMetadata("traceparent", options.traceparent);
    if (!options.after.empty()) context.AddMetadata("motcua-after", FormatAfter(options.after));
    if (!options.language.empty()) context.AddMetadata("accept-language", options.language);
  }

  // What a call that was not given up came to.
  absl::Status ResultOf(const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::CANCELLED && under_way->closing()) return GivenUp();
    return FromGrpc(status);
  }

  async::Loop* const loop;
  const std::shared_ptr<grpc::Channel> channel;
  grpc::TemplatedGenericStub<MessageLite, MessageLite> stub;
  const std::shared_ptr<UnderWay> under_way = std::make_shared<UnderWay>();

 private:
  const std::string bearer_token_;
};

// One unary call. Owned by gRPC's callback as well as by the waiting coroutine: either may go first.
class UnaryState {
 public:
  UnaryState(MessagePtr request, MessagePtr response) : request(std::move(request)), response(std::move(response)) {}

  grpc::ClientContext context;
  const MessagePtr request;
  MessagePtr response;
  // Confined to the loop.
  absl::Status status;
  async::IntrusiveList<async::Waiter> waiters;
};

// One stream. `self_` keeps it until gRPC is done with it.
class StreamState final : public grpc::ClientReadReactor<MessageLite>,
                          public std::enable_shared_from_this<StreamState> {
 public:
  StreamState(std::shared_ptr<ClientCore> core, const MethodDescriptor* method, MessagePtr request, MessagePtr item)
      : core_(std::move(core)),
        method_(absl::StrCat("/", MethodName(method))),
        request_(std::move(request)),
        prototype_(std::move(item)) {}

  void Start(const CallOptions& options) {
    self_ = shared_from_this();
    core_->Prepare(context_, options, options.deadline.value_or(absl::InfiniteFuture()));
    core_->under_way->Enter(&context_);
    // As generated stubs do it; the hold is for the reads that are started outside of reactions.
    grpc::internal::RpcMethod method(method_.c_str(), grpc::internal::RpcMethod::SERVER_STREAMING, core_->channel);
    grpc::internal::ClientCallbackReaderFactory<MessageLite>::Create<MessageLite>(core_->channel.get(), method,
                                                                                 &context_, request_.get(), this);
    AddHold();
    held_ = true;
    StartNextRead();
    StartCall();
  }

  // The reader is gone.
  void Abandon() {
    context_.TryCancel();
    ReleaseHold();
  }

  static async::Task<absl::StatusOr<MessagePtr>> Read(std::shared_ptr<StreamState> self, async::CancelToken cancel) {
    if (cancel.cancelled()) co_return GivenUp();
    if (self->arrived_ == nullptr && !self->ended_.has_value()) {
      async::Waiter waiter(*self->core_->loop, absl::InfiniteFuture(), cancel);
      self->waiters_.PushBack(waiter);
      absl::Status status = co_await waiter;
      if (!status.ok()) co_return status;
    }
    if (self->arrived_ != nullptr) {
      MessagePtr item = std::move(self->arrived_);
      self->StartNextRead();
      co_return std::move(item);
    }
    if (self->ended_->ok()) co_return MessagePtr();
    co_return *self->ended_;
  }

 private:
  // On the loop from here.
  void StartNextRead() {
    if (!held_) return;
    incoming_.reset(prototype_->New());
    StartRead(incoming_.get());
  }
  void Arrived(bool ok) {
    if (ok) {
      arrived_ = std::move(incoming_);
      Wake();
    } else {
      ReleaseHold();
    }
  }
  void Ended(absl::Status status) {
    ended_ = std::move(status);
    Wake();
  }
  void Wake() {
    if (async::Waiter* waiter = waiters_.PopFront(); waiter != nullptr) waiter->Complete(absl::OkStatus());
  }
  void ReleaseHold() {
    if (std::exchange(held_, false)) RemoveHold();
  }

  // On gRPC's threads.
  void OnReadDone(bool ok) override {
    core_->loop->Post([self = shared_from_this(), ok] { self->Arrived(ok); });
  }
  void OnDone(const grpc::Status& status) override {
    std::shared_ptr<UnderWay> under_way = core_->under_way;
    under_way->Leave(&context_);
    // Where the loop has stopped, this object goes here and now.
    core_->loop->Post([self = std::move(self_), status = core_->ResultOf(status)]() mutable {
      self->Ended(std::move(status));
    });
    under_way->LetGo();
  }

  const std::shared_ptr<ClientCore> core_;
  const std::string method_;
  const MessagePtr request_;
  const MessagePtr prototype_;
  grpc::ClientContext context_;
  std::shared_ptr<StreamState> self_;
  bool held_ = false;
  MessagePtr incoming_;
  MessagePtr arrived_;
  std::optional<absl::Status> ended_;
  async::IntrusiveList<async::Waiter> waiters_;
};

RawStreamReader::RawStreamReader(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}

RawStreamReader& RawStreamReader::operator=(RawStreamReader&& other) noexcept {
  if (this != &other) {
    if (state_ != nullptr) state_->Abandon();
    state_ = std::move(other.state_);
  }
  return *this;
}

RawStreamReader::~RawStreamReader() {
  if (state_ != nullptr) state_->Abandon();
}

async::Task<absl::StatusOr<MessagePtr>> RawStreamReader::Read(async::CancelToken cancel) {
  return StreamState::Read(state_, std::move(cancel));
}

}  // namespace internal

Client::Client(async::Loop& loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
    : core_(std::make_shared<internal::ClientCore>(&loop, std::move(channel), std::move(bearer_token))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() {
  if (core_ != nullptr) core_->under_way->CancelAllAndWait();
}

async::Task<absl::StatusOr<internal::MessagePtr>> Client::Invoke(const MethodDescriptor* method,
                                                                 internal::MessagePtr request,
                                                                 internal::MessagePtr response,
                                                                 CallOptions options) {
  if (options.cancel.cancelled()) co_return GivenUp();
  std::shared_ptr<internal::ClientCore> core = core_;
  auto state = std::make_shared<internal::UnaryState>(std::move(request), std::move(response));
  core->Prepare(state->context, options, options.deadline.value_or(absl::Now() + kDefaultDeadline));
  core->under_way->Enter(&state->context);
  auto on_done = [core, state](grpc::Status status) mutable {
    std::shared_ptr<internal::UnderWay> under_way = core->under_way;
    under_way->Leave(&state->context);
    core->loop->Post([state, status = core->ResultOf(status)]() mutable {
      state->status = std::move(status);
      if (async::Waiter* waiter = state->waiters.PopFront(); waiter != nullptr)
        waiter->Complete(absl::OkStatus());
    });
    state.reset();
    core.reset();
    under_way->LetGo();
  };
  core->stub.UnaryCall(&state->context, absl::StrCat("/", MethodName(method)), grpc::StubOptions(),
                       state->request.get(), state->response.get(), std::move(on_done));
  async::Waiter done(*core->loop, absl::InfiniteFuture(), options.cancel);
  state->waiters.PushBack(done);
  absl::Status waited = co_await done;
  if (!waited.ok()) {
    state->context.TryCancel();
    co_return GivenUp();
  }
  if (!state->status.ok()) co_return state->status;
  co_return std::move(state->response);
}

async::Task<absl::StatusOr<internal::MessagePtr>> Client::InvokeRetrying(const MethodDescriptor* method,
                                                                         internal::MessagePtr request,
                                                                         internal::MessagePtr response,
                                                                         CallOptions options) {
  std::shared_ptr<internal::ClientCore> core = core_;
  absl::Time deadline = options.deadline.value_or(absl::Now() + kDefaultDeadline);
  options.deadline = deadline;
  Backoff backoff(kFirstPause, kLongestPause, Seed());
  while (true) {
    internal::MessagePtr copy(request->New());
    copy->CopyFrom(*request);
    internal::MessagePtr empty(response->New());
    auto attempt = Invoke(method, std::move(copy), std::move(empty), options);
    absl::StatusOr<internal::MessagePtr> reply = co_await std::move(attempt);
    if (reply.ok() || !errors::IsRetryable(reply.status())) co_return std::move(reply);
    absl::Duration pause = backoff.Next(errors::RetryDelay(reply.status()));
    if (absl::Now() + pause >= deadline) co_return std::move(reply);
    absl::Status slept = co_await core->loop->Sleep(pause, options.cancel);
    if (!slept.ok()) co_return GivenUp();
  }
}

internal::RawStreamReader Client::OpenRaw(const MethodDescriptor* method, internal::MessagePtr request,
                                          internal::MessagePtr item, CallOptions options) {
  auto state = std::make_shared<internal::StreamState>(core_, method, std::move(request), std::move(item));
  state->Start(options);
  return internal::RawStreamReader(std::move(state));
}

BlockingClient::BlockingClient(std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
    : core_(std::make_shared<internal::ClientCore>(nullptr, std::move(channel), std::move(bearer_token))) {}
BlockingClient::~BlockingClient() = default;

absl::Status BlockingClient::Invoke(const MethodDescriptor* method, const Message& request, Message& response,
                                    const CallOptions& options, bool retry) {
  absl::Time deadline = options.deadline.value_or(absl::Now() + kDefaultBlockingDeadline);
  Backoff backoff(kFirstPause, kLongestPause, Seed());
  while (true) {
    grpc::ClientContext context;
    core_->Prepare(context, options, deadline);
    grpc::Status status;
    absl::Notification done;
    core_->stub.UnaryCall(&context, absl::StrCat("/", MethodName(method)), grpc::StubOptions(), &request, &response,
                          [&status, &done](grpc::Status result) {
                            status = std::move(result);
                            done.Notify();
                          });
    done.WaitForNotification();
    absl::Status result = FromGrpc(status);
    if (result.ok() || !retry || !errors::IsRetryable(result)) return result;
    absl::Duration pause = backoff.Next(errors::RetryDelay(result));
    if (absl::Now() + pause >= deadline) return result;
    absl::SleepFor(pause);
  }
}

}  // namespace motcua::rpc
