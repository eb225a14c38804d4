// ServerCall: one call as gRPC sees it, from the request for it to its last completion; the parts under Host.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "common/async/notification.h"
#include "common/async/waiter.h"
#include "common/rpc/host.h"
#include "google/protobuf/arena.h"

namespace motcua::rpc::internal {

// The life of one call apart from its transport: admission at the beginning, accounting at the end.
class Serving {
 public:
  Serving(Host& host, absl::Time started) : host_(host), started_(started) {}
  Serving(const Serving&) = delete;

  // After an error only Record may follow. `request`: null for a stream that is read. `readable`: what is
  // wrong with the request itself, told to those only who may make it.
  absl::Status Admit(const grpc::ServerContext& context, Method& method,
                     const google::protobuf::Message* request, std::string_view request_bytes,
                     const absl::Status& readable);
  // Once, before the call is finished. Returns what to finish it with: `status`, or SHUTTING_DOWN for a
  // stream that ended because the service stops.
  absl::Status Record(absl::Status status);

  Host& host() { return host_; }
  // nullptr before admission.
  const std::shared_ptr<Call>& call() const { return call_; }
  absl::Time started() const { return started_; }
  bool must_wait() const {
    return host_.before_hook_ != nullptr && (host_.before_every_call_ || !call_->after().empty()) &&
           !method_->is_public();
  }
  async::Task<absl::Status> WaitForWrites() { return host_.before_hook_(call_); }

 private:
  Host& host_;
  Method* method_ = nullptr;
  std::shared_ptr<Call> call_;
  absl::Time started_;
  Budget* budget_ = nullptr;  // taken from
  // Of the call, from its first moment on: refused ones have a trace, too.
  std::string traceparent_;
};

class ServerCall;

// Calls whose client must do the next step, the oldest first; bounded.
class WaitingLine {
 public:
  WaitingLine() {}
  void Enter(ServerCall& call);
  void Leave(ServerCall& call);
  int size() const { return size_; }
  ServerCall* oldest() const { return calls_.Front(); }

 private:
  async::IntrusiveList<ServerCall> calls_;
  int size_ = 0;
};

// Where the calls of one server come from, and whether any of them is left.
class Acceptor {
 public:
  Acceptor(Host& host, size_t max_message_bytes) : host_(host), max_message_bytes_(max_message_bytes) {}

  grpc::AsyncGenericService& service() { return service_; }
  Host& host() { return host_; }
  // Of one message; a longer one is refused.
  size_t max_message_bytes() const { return max_message_bytes_; }

  // Asks for calls, once the server has started. Blocks; not on the loop.
  void Start();
  // The server has shut down: waits until the last call is gone.
  void WaitUntilGone() { gone_.WaitForNotification(); }

 private:
  friend class ServerCall;
  // The client of `call` is to send its request, or to take its answer.
  void AwaitRequest(ServerCall& call);
  void AwaitReader(ServerCall& call);
  void EndOverdue();

  Host& host_;
  const size_t max_message_bytes_;
  grpc::AsyncGenericService service_;
  WaitingLine without_request_;
  WaitingLine leaving_;
  // Runs while a call may be overdue: one for all of them, not one for each.
  async::TimerId patience_;
  bool watching_ = false;
  int calls_ = 0;  // those that gRPC was asked for included
  async::Notification gone_;
};

// Deletes itself when gRPC has reported all that it was asked for and nobody holds it. Loop-confined.
class ServerCall : public async::ListNode {
 public:
  // Asks gRPC for the next call.
  explicit ServerCall(Acceptor& acceptor);
  ServerCall(const ServerCall&) = delete;

  Serving& serving() { return *serving_; }
  const google::protobuf::Message& request() const { return *request_; }

  // Sends a message of a stream. OK when gRPC has taken it and there is room for the next one. One at a time.
  // Errors: CANCELLED when the reader has gone or the service stops.
  static async::Task<absl::Status> Write(ServerCall* call, grpc::ByteBuffer bytes);
  // The next message of a stream that is read, or nothing where it has ended. One at a time. Errors:
  // CANCELLED, DEADLINE_EXCEEDED.
  static async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> Read(ServerCall* call,
                                                                           absl::Time deadline);
  // Cancels a stream whose service stops: once the write under way, if any, has ended and its handler has
  // told what it was woken for. A handler that goes on writing is not waited for.
  void EndSoon();
  // Ends the call, once: `response` goes with an OK of a unary call. A write that gRPC has not taken yet ends
  // first.
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response);

  // Keeps the object, beside the operations under way.
  void Hold() { ++holds_; }
  void LetGo();

 private:
  friend class WaitingLine;
  friend class Acceptor;
  ~ServerCall();

  void Arrived(bool ok);
  void HasRequest(bool ok);
  void HasMessage(bool ok);
  void Written(bool ok);
  void Announced(bool ok) {
    LetGo();
    (void)ok;
  }
  void Finished(bool ok) {
    LeaveLine();
    LetGo();
    (void)ok;
  }
  void Done(bool ok);
  absl::Status ReadRequest(bool arrived);
  // Its request has not come, and is waited for no longer.
  void GiveUpRequest(const absl::Status& why);
  void LeaveLine();
  void ServeOrRefuse(const absl::Status& readable);
  static async::Task<void> ServeAfterWrites(CallEnd end);

  Acceptor& acceptor_;
  int holds_ = 1;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  MemberCompletion<ServerCall, &ServerCall::Arrived> arrived_{this};
  MemberCompletion<ServerCall, &ServerCall::HasRequest> has_request_{this};
  MemberCompletion<ServerCall, &ServerCall::HasMessage> has_message_{this};
  MemberCompletion<ServerCall, &ServerCall::Written> written_{this};
  MemberCompletion<ServerCall, &ServerCall::Announced> announced_{this};
  MemberCompletion<ServerCall, &ServerCall::Finished> finished_{this};
  MemberCompletion<ServerCall, &ServerCall::Done> done_{this};

  std::optional<Serving> serving_;
  Method* method_ = nullptr;
  grpc::ByteBuffer in_;
  grpc::Slice request_slice_;
  std::string_view request_bytes_;
  google::protobuf::Arena arena_;
  google::protobuf::Message* request_ = nullptr;

  bool writing_ = false;
  bool ends_soon_ = false;
  // The handler waits for a write, or has not gone on yet after one.
  bool in_write_ = false;
  int writes_at_the_end_ = 0;
  bool broken_ = false;
  // What it ends with is known: nothing is served, read or written any more.
  bool ended_ = false;
  WaitingLine* line_ = nullptr;         // in which it stands
  std::optional<grpc::Status> finish_;  // waits for the write
  std::optional<bool> message_;         // a Read has ended so, and nobody has taken it
  bool reading_ = false;
  async::IntrusiveList<async::Waiter> writers_;
  async::IntrusiveList<async::Waiter> readers_;
};

// Ends a call even where its coroutine is destroyed before its end, or never run: gRPC waits for every call.
class CallEnd {
 public:
  explicit CallEnd(ServerCall* call) : call_(call) { call_->Hold(); }
  CallEnd(CallEnd&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CallEnd& operator=(CallEnd&&) = delete;
  ~CallEnd();
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response = nullptr) {
    call_->Finish(status, response);
    std::exchange(call_, nullptr)->LetGo();
  }
  ServerCall& call() { return *call_; }

 private:
  ServerCall* call_;
};

// A method whose request comes as a whole and is given to a handler.
template <class Request, class Handler>
class HandledMethod : public Method {
 public:
  HandledMethod(const google::protobuf::MethodDescriptor* method, telemetry::Metrics& metrics,
                Handler handler)
      : Method(method, metrics), handler_(std::move(handler)) {}

  google::protobuf::Message* NewRequest(google::protobuf::Arena* arena) const override {
    return google::protobuf::Arena::CreateMessage<Request>(arena);
  }

 protected:
  Handler handler_;
};

// A holder of a call, to be copied.
class CallRef {
 public:
  explicit CallRef(ServerCall* call) : call_(call) { call_->Hold(); }
  CallRef(const CallRef& other) : CallRef(other.call_) {}
  CallRef(CallRef&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CallRef& operator=(CallRef other) noexcept {
    std::swap(call_, other.call_);
    return *this;
  }
  ~CallRef() {
    if (call_ != nullptr) call_->LetGo();
  }
  ServerCall* get() const { return call_; }

 private:
  ServerCall* call_;
};

}  // namespace motcua::rpc::internal
