// Host: everything around the handlers of one process. A handler is one line in a generated CallbackService:
//
//   grpc::ServerUnaryReactor* File(grpc::CallbackServerContext* context, const FileRequest* request,
//                                  FileResponse* response) override {
//     return host_.Unary(context, request, response, [this](std::shared_ptr<rpc::Call> call, const FileRequest& r) {
//       return intake_.File(std::move(call), r);          // async::Task<absl::StatusOr<FileResponse>>
//     });
//   }
//
// (The lambda is no coroutine, so it may capture; `r` lives until the task has ended.)
//
// On gRPC's thread, never blocking: is the service open → admission → who is it → may this role call this →
// is the request valid. On the loop: wait for the caller's own writes (`motcua-after`) → handler → Finish. Errors on
// the way reach the caller with their details; each call is counted, timed, and where it failed or was slow, logged.
//
// Include unary.h or server_stream.h for the definitions of the two templates.
//
// Thread-safety: Unary and Stream are called by gRPC on any thread. SetAfterHook before the first call.
// Lifetime: the loop outlives the host, the host outlives the gRPC server.
#ifndef MOTCUA_COMMON_RPC_HOST_H_
#define MOTCUA_COMMON_RPC_HOST_H_

#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/auth/policy.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/call.h"
#include "common/telemetry/metrics.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace motcua::rpc {

class HostOptions {
 public:
  HostOptions() {}
  /// Unary calls served at the same time; one more is refused with RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  int max_in_flight = 1024;
  /// Open streams, likewise.
  int max_streams = 1024;
  /// Of a unary call that brings none.
  absl::Duration default_deadline = absl::Seconds(10);
  /// The longest that a unary call may take, whatever it brings.
  absl::Duration max_deadline = absl::Minutes(10);
  /// A call that took longer is logged.
  absl::Duration slow_call = absl::Seconds(1);
};

template <class Response>
class StreamWriter;

namespace internal {
class Serving;
// Counters of one method.
class MethodState {
 public:
  MethodState(const google::protobuf::MethodDescriptor* method, telemetry::Metrics& metrics);
  const std::string& name() const { return name_; }
  void Count(absl::StatusCode code, absl::Duration taken);

 private:
  const std::string name_;
  const telemetry::Labels labels_;
  telemetry::Metrics& metrics_;
  telemetry::Histogram& seconds_;
  std::array<std::atomic<telemetry::Counter*>, 17> by_code_{};
};
}  // namespace internal

class Host {
 public:
  // Waits until the service has caught up with every write listed in call->after().
  // Errors: as the caller shall see them, e.g. DEADLINE_EXCEEDED (NOT_CAUGHT_UP).
  using AfterHook = std::function<async::Task<absl::Status>(std::shared_ptr<Call> call)>;

  Host(async::Loop& loop, auth::Policy policy, std::optional<auth::JwtVerifier> verifier,
       telemetry::Metrics& metrics, HostOptions options = HostOptions());

  template <class Request, class Response, class Handler>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Request* request, Response* response,
                                  Handler handler);

  template <class Request, class Response, class Handler>
  grpc::ServerWriteReactor<Response>* Stream(grpc::CallbackServerContext* context, const Request* request,
                                             Handler handler);

  // Without a hook, a call that brings `motcua-after` is served at once.
  void SetAfterHook(AfterHook hook) { after_hook_ = std::move(hook); }

  // A new host refuses calls with UNAVAILABLE (NOT_READY) until opened, and with UNAVAILABLE (SHUTTING_DOWN) once
  // closed. Close also cancels the open streams; unary calls go on.
  void Open();
  void Close();

  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  int streams() const { return streams_open_.load(std::memory_order_relaxed); }
  async::Loop& loop() { return loop_; }
  const auth::Policy& policy() const { return policy_; }

 private:
  friend class internal::Serving;
  enum class Gate { kNotReady, kOpen, kClosed };

  internal::MethodState& StateOf(const google::protobuf::MethodDescriptor* method);
  absl::StatusOr<Authenticator::PrincipalPtr> Identify(const grpc::CallbackServerContext& context,
                                                       std::string_view authorization, absl::Time now);

  async::Loop& loop_;
  const auth::Policy policy_;
  const HostOptions options_;
  telemetry::Metrics& metrics_;
  telemetry::Gauge& in_flight_gauge_;
  telemetry::Gauge& streams_gauge_;
  Authenticator authenticator_;
  AfterHook after_hook_;
  std::atomic<Gate> gate_{Gate::kNotReady};
  std::atomic<int> in_flight_{0};
  std::atomic<int> streams_open_{0};

  absl::Mutex mutex_;
  std::map<const google::protobuf::MethodDescriptor*, std::unique_ptr<internal::MethodState>> methods_
      ABSL_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<Call>> open_streams_ ABSL_GUARDED_BY(mutex_);
};

namespace internal {

// The life of one call apart from its reactor: admission at the beginning, accounting at the end.
class Serving {
 public:
  explicit Serving(Host& host) : host_(host) {}
  Serving(const Serving&) = delete;

  // On gRPC's thread. After an error only Record may follow.
  absl::Status Admit(const grpc::CallbackServerContext& context, const google::protobuf::MethodDescriptor* method,
                     const google::protobuf::Message& request, bool stream);
  // Once, before the call is finished.
  void Record(const absl::Status& status);

  // nullptr before admission.
  const std::shared_ptr<Call>& call() const { return call_; }
  Host& host() { return host_; }
  bool must_wait() const { return call_ != nullptr && !call_->after().empty() && host_.after_hook_ != nullptr; }
  async::Task<absl::Status> WaitForWrites() { return host_.after_hook_(call_); }

 private:
  Host& host_;
  MethodState* method_ = nullptr;
  std::shared_ptr<Call> call_;
  absl::Time started_;
  bool stream_ = false;
  bool counted_ = false;
};

}  // namespace internal
}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_HOST_H_
