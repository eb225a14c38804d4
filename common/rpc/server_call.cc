#include "common/rpc/server_call.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/message_bytes.h"
#include "common/status/errors.h"

namespace motcua::rpc::internal {
namespace {

// Calls that gRPC is asked for in advance; what arrives beyond waits in gRPC for a moment.
constexpr int kAsked = 32;

absl::Status ReaderGone() { return errors::Cancelled("CANCELLED", "the stream's reader has gone"); }

// Longer names are nobody's slip, and would leave no room for the reason.
constexpr size_t kToldName = 256;

bool MayBeTold(const std::string& path) {
  return path.size() <= kToldName &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// A call to another service's address is a newcomer's first mistake.
absl::Status UnknownMethod(const Host& host, const std::string& path) {
  errors::Metadata metadata;
  if (MayBeTold(path)) metadata.emplace_back("method", path);
  return errors::Unimplemented(
      "UNKNOWN_METHOD",
      absl::StrCat("there is no such method; here are: ", absl::StrJoin(host.ServiceNames(), ", ")),
      metadata);
}

absl::Status Misused() {
  return errors::Internal("STREAM_MISUSED", "one operation at a time, and none after the end");
}

}  // namespace

void Acceptor::Start() {
  host_.loop().RunAndWait([this] {
    for (int i = 0; i < kAsked; ++i) new ServerCall(*this);
  });
}

void WaitingLine::Enter(ServerCall& call) {
  call.LeaveLine();
  calls_.PushBack(call);
  call.line_ = this;
  ++size_;
}

void WaitingLine::Leave(ServerCall& call) {
  call.Unlink();
  call.line_ = nullptr;
  --size_;
}

void Acceptor::AwaitRequest(ServerCall& call) {
  without_request_.Enter(call);
  if (without_request_.size() > host_.options_.max_waiting) {
    without_request_.oldest()->GiveUpRequest(
        errors::ResourceExhausted("TOO_MANY_CALLS", "too many calls have not sent their request"));
  }
  if (!watching_) EndOverdue();
}

// The call is over but for its last bytes: who does not take them loses them.
void Acceptor::AwaitReader(ServerCall& call) {
  leaving_.Enter(call);
  if (leaving_.size() <= host_.options_.max_waiting) return;
  ServerCall& oldest = *leaving_.oldest();
  oldest.LeaveLine();
  oldest.context_.TryCancel();
}

void Acceptor::EndOverdue() {
  watching_ = false;
  const absl::Duration patience = host_.options_.request_patience;
  while (ServerCall* oldest = without_request_.oldest()) {
    const absl::Duration left = oldest->serving_->started() + patience - absl::Now();
    if (left > absl::ZeroDuration()) {
      watching_ = true;
      patience_ = host_.loop().StartTimer(left, [this] { EndOverdue(); });
      return;
    }
    oldest->GiveUpRequest(errors::DeadlineExceeded("DEADLINE_EXCEEDED", "the request did not come in time"));
  }
}

ServerCall::ServerCall(Acceptor& acceptor) : acceptor_(acceptor) {
  ++acceptor_.calls_;
  grpc::ServerCompletionQueue* queue = acceptor_.host().loop().queue().raw();
  context_.AsyncNotifyWhenDone(done_.tag());
  acceptor_.service().RequestCall(&context_, &stream_, queue, queue, arrived_.tag());
}

ServerCall::~ServerCall() { LeaveLine(); }

void ServerCall::LetGo() {
  if (--holds_ > 0) return;
  Acceptor& acceptor = acceptor_;
  delete this;
  // Last: the server, and what this object referred to, may go as soon as nobody is left.
  if (--acceptor.calls_ > 0) return;
  acceptor.host().loop().CancelTimer(acceptor.patience_);
  acceptor.gone_.Notify();
}

void ServerCall::LeaveLine() {
  if (line_ != nullptr) line_->Leave(*this);
}

void ServerCall::Arrived(bool ok) {
  if (!ok) return LetGo();  // the server has shut down; there is no call, so `done_` does not come
  Hold();                   // for done_
  new ServerCall(acceptor_);
  serving_.emplace(acceptor_.host(), absl::Now());
  method_ = acceptor_.host().Find(context_.method());
  if (method_ == nullptr) {
    ended_ = true;
    acceptor_.AwaitReader(*this);
    stream_.Finish(ToGrpc(UnknownMethod(acceptor_.host(), context_.method())), finished_.tag());
    return;
  }
  if (method_->reads_stream()) return ServeOrRefuse(absl::OkStatus());
  stream_.Read(&in_, has_request_.tag());
  acceptor_.AwaitRequest(*this);
}

void ServerCall::HasRequest(bool ok) {
  if (ended_) return LetGo();  // given up before
  LeaveLine();
  ServeOrRefuse(ReadRequest(ok));
}

void ServerCall::GiveUpRequest(const absl::Status& why) {
  LeaveLine();
  Hold();  // what is read still holds its own
  ServeOrRefuse(why);
}

absl::Status ServerCall::ReadRequest(bool arrived) {
  if (!arrived) return errors::InvalidArgument("INVALID_REQUEST", "the call brought no request");
  if (in_.Length() > acceptor_.max_message_bytes()) {
    return errors::ResourceExhausted("REQUEST_TOO_LARGE", "the request is too large",
                                     {{"max_bytes", absl::StrCat(acceptor_.max_message_bytes())}});
  }
  request_bytes_ = InOnePiece(in_, request_slice_);
  request_ = method_->NewRequest(&arena_);
  if (!request_->ParseFromArray(request_bytes_.data(), static_cast<int>(request_bytes_.size()))) {
    return errors::InvalidArgument(
        "INVALID_REQUEST", "the request cannot be read: it must be a message of this type, text in UTF-8");
  }
  return absl::OkStatus();
}

void ServerCall::ServeOrRefuse(const absl::Status& readable) {
  CallEnd end(this);
  LetGo();  // what arrived_ or has_request_ held
  absl::Status admitted = serving_->Admit(context_, *method_, request_, request_bytes_, readable);
  if (!admitted.ok()) return end.Finish(admitted);
  if (broken_) serving_->call()->Cancel();  // its client went while it was read
  if (method_->is_stream()) {
    acceptor_.host().open_streams_.insert(this);
    if (acceptor_.host().ending_streams_) serving_->call()->Cancel();
    // At once: a reader that hears nothing for an hour still knows that it is being served.
    Hold();
    stream_.SendInitialMetadata(announced_.tag());
  }
  Loop& loop = acceptor_.host().loop();
  if (serving_->must_wait()) return loop.Spawn(ServeAfterWrites(std::move(end)));
  loop.Spawn(method_->Serve(std::move(end)));
}

// Once the service has caught up with what the caller has seen.
async::Task<void> ServerCall::ServeAfterWrites(CallEnd end) {
  ServerCall& call = end.call();
  absl::Status caught_up = co_await call.serving_->WaitForWrites();
  if (!caught_up.ok()) {
    end.Finish(caught_up);
    co_return;
  }
  async::Task<void> task = call.method_->Serve(std::move(end));
  co_await std::move(task);
}

void ServerCall::Done(bool) {
  if (context_.IsCancelled()) {
    broken_ = true;
    if (serving_->call() != nullptr) serving_->call()->Cancel();
  }
  LetGo();
}

void ServerCall::EndSoon() {
  constexpr int kLastWrites = 2;  // the one under way, and what came about meanwhile
  ends_soon_ = in_write_ && writes_at_the_end_ < kLastWrites;
  if (!ends_soon_) serving_->call()->Cancel();
}

async::Task<absl::Status> ServerCall::Write(ServerCall* call, grpc::ByteBuffer bytes) {
  if (call->broken_ || call->serving_->call()->cancel().cancelled()) co_return ReaderGone();
  if (call->writing_ || call->ended_) co_return Misused();
  call->writing_ = true;
  call->Hold();
  call->stream_.Write(bytes, call->written_.tag());
  async::Waiter taken(call->acceptor_.host().loop(), absl::InfiniteFuture(),
                      call->serving_->call()->cancel());
  call->writers_.PushBack(taken);
  call->in_write_ = true;
  absl::Status status = co_await taken;
  call->in_write_ = false;
  if (std::exchange(call->ends_soon_, false)) {
    ++call->writes_at_the_end_;
    // After the handler has gone on, which it does now.
    call->acceptor_.host().loop().Post([self = CallRef(call)] { self.get()->EndSoon(); });
  }
  co_return status;
}

void ServerCall::Written(bool ok) {
  writing_ = false;
  broken_ = broken_ || !ok;
  if (async::Waiter* waiter = writers_.PopFront(); waiter != nullptr) {
    waiter->Complete(ok ? absl::OkStatus() : ReaderGone());
  }
  if (finish_.has_value()) {
    Hold();
    stream_.Finish(*std::exchange(finish_, std::nullopt), finished_.tag());
  }
  LetGo();
}

async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> ServerCall::Read(ServerCall* call,
                                                                              absl::Time deadline) {
  if (call->serving_->call()->cancel().cancelled()) co_return ReaderGone();
  if (call->ended_) co_return Misused();
  if (!call->reading_) {
    call->reading_ = true;
    call->Hold();
    call->stream_.Read(&call->in_, call->has_message_.tag());
  }
  if (!call->message_.has_value()) {
    async::Waiter arrived(call->acceptor_.host().loop(), deadline, call->serving_->call()->cancel());
    call->readers_.PushBack(arrived);
    absl::Status status = co_await arrived;
    if (absl::IsDeadlineExceeded(status)) {
      co_return errors::DeadlineExceeded("DEADLINE_EXCEEDED", "the stream was idle for too long");
    }
    if (!status.ok()) co_return status;
  }
  call->reading_ = false;
  const bool ok = *std::exchange(call->message_, std::nullopt);
  std::optional<grpc::ByteBuffer> message;
  if (ok) message.emplace(std::move(call->in_));
  co_return message;
}

void ServerCall::HasMessage(bool ok) {
  message_ = ok;
  if (async::Waiter* waiter = readers_.PopFront(); waiter != nullptr) waiter->Complete(absl::OkStatus());
  LetGo();
}

void ServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  grpc::Status end = ToGrpc(serving_->Record(status));
  acceptor_.host().open_streams_.erase(this);
  ended_ = true;
  acceptor_.AwaitReader(*this);
  if (writing_) {
    finish_ = std::move(end);
    return;
  }
  Hold();
  if (end.ok() && response != nullptr) {
    stream_.WriteAndFinish(BytesOf(*response), grpc::WriteOptions(), end, finished_.tag());
  } else {
    stream_.Finish(end, finished_.tag());
  }
}

CallEnd::~CallEnd() {
  if (call_ != nullptr) Finish(errors::Unavailable("SHUTTING_DOWN", "the service is stopping"));
}

}  // namespace motcua::rpc::internal
