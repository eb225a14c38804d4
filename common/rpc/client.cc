#include "common/rpc/client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/waiter.h"
#include "common/rpc/backoff.h"
#include "common/rpc/grpc_status.h"
#include "common/status/errors.h"

namespace motcua::rpc {

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

// gRPC ends the process over metadata that may not be sent.
bool IsSendable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string PathOf(const MethodDescriptor* method) {
  return absl::StrCat("/", method->service()->full_name(), "/", method->name());
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
  // Callers repeat what may be repeated, and know by the request id when; gRPC's own retries would pass every
  // call through one more layer, its statistics through another.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  // A window of one size, instead of one that pings find out: less goes to and fro, and a reader that does
  // not read lets no more than this run ahead.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 256 << 10);
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

absl::Status ReadReply(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  grpc::Slice slice;
  const std::string_view wire = InOnePiece(bytes, slice);
  if (message.ParseFromArray(wire.data(), static_cast<int>(wire.size()))) return absl::OkStatus();
  return errors::Internal("REPLY_UNREADABLE", "the answer cannot be read");
}

// A call that gRPC has not ended yet.
class UnderWay : public async::ListNode {
 public:
  virtual void Cancel() = 0;

 protected:
  explicit UnderWay(CompletionQueue& queue) : queue_(queue) { queue_.Enter(); }
  ~UnderWay() { queue_.Leave(); }

 private:
  CompletionQueue& queue_;
};

// What the calls of one client share. All but Prepare is confined to the loop.
class ClientCore {
 public:
  ClientCore(Loop* loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
      : loop(loop),
        channel(std::move(channel)),
        stub(this->channel),
        authorization_(bearer_token.empty() ? "" : absl::StrCat("Bearer ", bearer_token)) {}

  void Prepare(grpc::ClientContext& context, const CallOptions& options, absl::Time deadline) {
    if (deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(deadline));
    if (!options.bearer_token.empty()) {
      context.AddMetadata("authorization", absl::StrCat("Bearer ", options.bearer_token));
    } else if (!authorization_.empty()) {
      context.AddMetadata("authorization", authorization_);
    }
    if (!options.traceparent.empty()) context.AddMetadata("traceparent", options.traceparent);
    if (!options.after.empty()) context.AddMetadata("motcua-after", FormatAfter(options.after));
    if (!options.language.empty()) context.AddMetadata("accept-language", options.language);
  }

  // Before Prepare: UNAUTHENTICATED (TOKEN_INVALID), INVALID_ARGUMENT (METADATA_INVALID).
  absl::Status Check(const CallOptions& options) const {
    if (!(options.bearer_token.empty() ? token_sendable_ : IsSendable(options.bearer_token))) {
      return errors::Unauthenticated("TOKEN_INVALID", "the token has characters that none has");
    }
    if (!IsSendable(options.traceparent) || !IsSendable(options.language)) {
      return errors::InvalidArgument("METADATA_INVALID", "traceparent and language must be printable ASCII");
    }
    return absl::OkStatus();
  }

  // What a call that was not given up came to.
  absl::Status ResultOf(const grpc::Status& status) const {
    if (status.error_code() == grpc::StatusCode::CANCELLED && closing_) return GivenUp();
    return FromGrpc(status);
  }

  void CancelAll() {
    closing_ = true;
    // Cancelling ends nothing at once: the list stays as it is.
    async::IntrusiveList<UnderWay> all;
    all.Append(under_way);
    while (UnderWay* call = all.PopFront()) {
      under_way.PushBack(*call);
      call->Cancel();
    }
    while (async::Waiter* pause = pauses.PopFront()) pause->Complete(GivenUp());
  }
  bool closing() const { return closing_; }

  Loop* const loop;
  const std::shared_ptr<grpc::Channel> channel;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub;
  async::IntrusiveList<UnderWay> under_way;
  async::IntrusiveList<async::Waiter> pauses;  // between attempts

 private:
  const std::string authorization_;
  const bool token_sendable_ = IsSendable(authorization_);
  bool closing_ = false;
};

// One unary call. Keeps itself until gRPC has ended it; the waiting coroutine may go before.
class UnaryState final : public UnderWay {
 public:
  UnaryState(std::shared_ptr<ClientCore> core, const MethodDescriptor* method, grpc::ByteBuffer request,
             const CallOptions& options, absl::Time deadline)
      : UnderWay(core->loop->queue()), core_(std::move(core)) {
    core_->Prepare(context_, options, deadline);
    reader_ = core_->stub.PrepareUnaryCall(&context_, PathOf(method), request, core_->loop->queue().raw());
  }

  // Starts the call of `state`, which keeps itself from here on.
  static void Start(const std::shared_ptr<UnaryState>& state) {
    state->self_ = state;
    state->core_->under_way.PushBack(*state);
    state->reader_->StartCall();
    state->reader_->Finish(&state->response_, &state->end_, state->ended_.tag());
  }

  void Cancel() override { context_.TryCancel(); }
  void Await(async::Waiter& waiter) { waiters_.PushBack(waiter); }
  absl::StatusOr<grpc::ByteBuffer> TakeResult() {
    if (end_.ok()) return std::move(response_);
    return core_->ResultOf(end_);
  }

 private:
  void Ended(bool) {
    Unlink();
    if (async::Waiter* waiter = waiters_.PopFront(); waiter != nullptr) waiter->Complete(absl::OkStatus());
    self_.reset();
  }

  const std::shared_ptr<ClientCore> core_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader_;
  grpc::ByteBuffer response_;
  grpc::Status end_;
  MemberCompletion<UnaryState, &UnaryState::Ended> ended_{this};
  std::shared_ptr<UnaryState> self_;
  async::IntrusiveList<async::Waiter> waiters_;
};

// One stream. `self_` keeps it until gRPC has ended it. One operation of gRPC's is under way at a time.
class StreamState final : public UnderWay, public std::enable_shared_from_this<StreamState> {
 public:
  StreamState(std::shared_ptr<ClientCore> core, const MethodDescriptor* method)
      : UnderWay(core->loop->queue()), core_(std::move(core)), path_(PathOf(method)) {}

  void Start(const grpc::ByteBuffer& request, const CallOptions& options) {
    busy_ = true;
    if (absl::Status sendable = core_->Check(options); !sendable.ok()) {
      result_ = std::move(sendable);
      return;
    }
    self_ = shared_from_this();
    core_->under_way.PushBack(*this);
    core_->Prepare(context_, options, options.deadline.value_or(absl::InfiniteFuture()));
    // As generated stubs do it.
    grpc::internal::RpcMethod method(path_.c_str(), grpc::internal::RpcMethod::SERVER_STREAMING,
                                     core_->channel);
    reader_.reset(grpc::internal::ClientAsyncReaderFactory<grpc::ByteBuffer>::Create(
        core_->channel.get(), core_->loop->queue().raw(), method, &context_, request, /*start=*/true,
        started_.tag()));
  }

  void Cancel() override { context_.TryCancel(); }

  // The reader is gone.
  void Abandon() {
    abandoned_ = true;
    context_.TryCancel();
    if (!busy_) Next();
  }

  static async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> Read(std::shared_ptr<StreamState> self,
                                                                           async::CancelToken cancel) {
    if (cancel.cancelled()) co_return GivenUp();
    if (!self->arrived_.has_value() && !self->result_.has_value()) {
      async::Waiter waiter(*self->core_->loop, absl::InfiniteFuture(), cancel);
      self->waiters_.PushBack(waiter);
      absl::Status status = co_await waiter;
      if (!status.ok()) co_return status;
    }
    std::optional<grpc::ByteBuffer> item;
    if (self->arrived_.has_value()) {
      item = std::move(self->arrived_);
      self->arrived_.reset();
      self->Next();
    } else if (!self->result_->ok()) {
      co_return *self->result_;
    }
    co_return item;
  }

 private:
  // Reads on, or learns how the stream has ended.
  void Next() {
    busy_ = true;
    if (broken_ || abandoned_) {
      reader_->Finish(&end_, finished_.tag());
    } else {
      reader_->Read(&incoming_, read_.tag());
    }
  }
  void Started(bool ok) {
    broken_ = !ok;
    Next();
  }
  void HasItem(bool ok) {
    busy_ = false;
    broken_ = !ok;
    if (broken_ || abandoned_) return Next();
    arrived_ = std::exchange(incoming_, grpc::ByteBuffer());
    Wake();
  }
  void Finished(bool) {
    Unlink();
    result_ = core_->ResultOf(end_);
    Wake();
    self_.reset();
  }
  void Wake() {
    if (async::Waiter* waiter = waiters_.PopFront(); waiter != nullptr) waiter->Complete(absl::OkStatus());
  }

  const std::shared_ptr<ClientCore> core_;
  const std::string path_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReader<grpc::ByteBuffer>> reader_;
  MemberCompletion<StreamState, &StreamState::Started> started_{this};
  MemberCompletion<StreamState, &StreamState::HasItem> read_{this};
  MemberCompletion<StreamState, &StreamState::Finished> finished_{this};
  std::shared_ptr<StreamState> self_;
  bool busy_ = false;
  bool broken_ = false;
  bool abandoned_ = false;
  grpc::ByteBuffer incoming_;
  std::optional<grpc::ByteBuffer> arrived_;
  grpc::Status end_;
  std::optional<absl::Status> result_;
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

async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> RawStreamReader::Read(
    async::CancelToken cancel) {
  return StreamState::Read(state_, std::move(cancel));
}

}  // namespace internal

Client::Client(Loop& loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
    : core_(std::make_shared<internal::ClientCore>(&loop, std::move(channel), std::move(bearer_token))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() {
  if (core_ != nullptr) core_->loop->RunAndWait([this] { core_->CancelAll(); });
}

Client::Reply Client::Invoke(std::shared_ptr<internal::ClientCore> core, const MethodDescriptor* method,
                             grpc::ByteBuffer request, CallOptions options) {
  if (options.cancel.cancelled() || core->closing()) co_return GivenUp();
  if (absl::Status sendable = core->Check(options); !sendable.ok()) co_return sendable;
  const absl::Time deadline = options.deadline.value_or(absl::Now() + kDefaultDeadline);
  auto state = std::make_shared<internal::UnaryState>(core, method, std::move(request), options, deadline);
  async::Waiter done(*core->loop, absl::InfiniteFuture(), options.cancel);
  state->Await(done);
  internal::UnaryState::Start(state);
  absl::Status waited = co_await done;
  if (!waited.ok()) {
    state->Cancel();
    co_return GivenUp();
  }
  co_return state->TakeResult();
}

Client::Reply Client::InvokeRetrying(std::shared_ptr<internal::ClientCore> core,
                                     const MethodDescriptor* method, grpc::ByteBuffer request,
                                     CallOptions options) {
  absl::Time deadline = options.deadline.value_or(absl::Now() + kDefaultDeadline);
  options.deadline = deadline;
  std::optional<Backoff> backoff;
  while (true) {
    Reply attempt = Invoke(core, method, request, options);
    absl::StatusOr<grpc::ByteBuffer> reply = co_await std::move(attempt);
    if (reply.ok() || !errors::IsRetryable(reply.status()) || core->closing()) co_return std::move(reply);
    if (!backoff.has_value()) backoff.emplace(kFirstPause, kLongestPause, Seed());
    absl::Duration pause = backoff->Next(errors::RetryDelay(reply.status()));
    if (absl::Now() + pause >= deadline) co_return std::move(reply);
    async::Waiter waiter(*core->loop, pause, options.cancel);
    core->pauses.PushBack(waiter);
    absl::Status paused = co_await waiter;
    if (!absl::IsDeadlineExceeded(paused)) co_return GivenUp();
  }
}

internal::RawStreamReader Client::OpenRaw(const MethodDescriptor* method, grpc::ByteBuffer request,
                                          CallOptions options) {
  auto state = std::make_shared<internal::StreamState>(core_, method);
  state->Start(request, options);
  return internal::RawStreamReader(std::move(state));
}

BlockingClient::BlockingClient(std::shared_ptr<grpc::Channel> channel, std::string bearer_token)
    : core_(std::make_shared<internal::ClientCore>(nullptr, std::move(channel), std::move(bearer_token))) {}
BlockingClient::~BlockingClient() = default;

absl::StatusOr<grpc::ByteBuffer> BlockingClient::Invoke(const MethodDescriptor* method,
                                                        const grpc::ByteBuffer& request,
                                                        const CallOptions& options, bool retry) {
  if (absl::Status sendable = core_->Check(options); !sendable.ok()) return sendable;
  absl::Time deadline = options.deadline.value_or(absl::Now() + kDefaultBlockingDeadline);
  Backoff backoff(kFirstPause, kLongestPause, Seed());
  while (true) {
    grpc::ClientContext context;
    core_->Prepare(context, options, deadline);
    grpc::CompletionQueue queue;
    auto reader = core_->stub.PrepareUnaryCall(&context, PathOf(method), request, &queue);
    grpc::ByteBuffer response;
    grpc::Status status;
    reader->StartCall();
    reader->Finish(&response, &status, &status);
    queue.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok)) {
    }
    absl::Status result = FromGrpc(status);
    if (result.ok()) return response;
    if (!retry || !errors::IsRetryable(result)) return result;
    absl::Duration pause = backoff.Next(errors::RetryDelay(result));
    if (absl::Now() + pause >= deadline) return result;
    absl::SleepFor(pause);
  }
}

}  // namespace motcua::rpc
