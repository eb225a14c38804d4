// Host: everything around the handlers of one process. A handler is one line in a generated CallbackService:
//
//   grpc::ServerUnaryReactor* File(grpc::CallbackServerContext* context, const FileRequest* request,
//                                  FileResponse* response) override {
//     return host_.Unary(context, request, response, [this](std::shared_ptr<rpc::Call> call, const
//     FileRequest& r) {
//       return intake_.File(std::move(call), r);          // async::Task<absl::StatusOr<FileResponse>>
//     });
//   }
//
// (The lambda is no coroutine, so it may capture; `r` lives until the task has ended.)
//
// On gRPC's thread, never blocking: is the service open → admission → who is it → may this role call this →
// is the request valid. On the loop: wait for the caller's own writes (`motcua-after`) → handler → Finish.
// Errors on the way reach the caller with their details; each call is counted, timed, and where it failed or
// was slow, logged.
//
// Include unary.h or server_stream.h for the definitions of the two templates.
//
// Thread-safety: Unary and Stream are called by gRPC on any thread. SetBeforeHook before the first call.
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
  /// Watches and, apart from these, checks of health: anybody may ask for them, so they cannot use up the
  /// others' room.
  int max_health_watches = 64;
  int max_health_checks = 256;
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

// How many calls of one sort may be served at the same time. Thread-safe.
class Budget {
 public:
  // `gauge`: shows what is used; may be null.
  Budget(int limit, telemetry::Gauge* gauge) : limit_(limit), gauge_(gauge) {}
  // False where it is used up; to be given back all the same.
  bool Take() {
    int used = used_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (gauge_ != nullptr) gauge_->Set(used);
    return used <= limit_;
  }
  void GiveBack() {
    int used = used_.fetch_sub(1, std::memory_order_relaxed) - 1;
    if (gauge_ != nullptr) gauge_->Set(used);
  }
  int used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const int limit_;
  telemetry::Gauge* const gauge_;
  std::atomic<int> used_{0};
};

// Counters of one method.
class MethodState {
 public:
  MethodState(const google::protobuf::MethodDescriptor* method, telemetry::Metrics& metrics);
  const std::string& name() const { return name_; }
  // Of grpc.health.v1: open to everybody, before the service is and while it stops.
  bool is_health() const { return is_health_; }
  void Count(absl::StatusCode code, absl::Duration taken);

 private:
  const std::string name_;
  const bool is_health_;
  const telemetry::Labels labels_;
  telemetry::Metrics& metrics_;
  telemetry::Histogram& seconds_;
  std::array<std::atomic<telemetry::Counter*>, 17> by_code_{};
};
}  // namespace internal

class Host {
 public:
  // Waits until the service has caught up with every write listed in call->after(), and with whatever else a
  // call must not fall behind. Errors: as the caller shall see them, e.g. DEADLINE_EXCEEDED (NOT_CAUGHT_UP).
  using BeforeHook = std::function<async::Task<absl::Status>(std::shared_ptr<Call> call)>;

  Host(async::Loop& loop, auth::Policy policy, std::optional<auth::JwtVerifier> verifier,
       telemetry::Metrics& metrics, HostOptions options = HostOptions());

  // `method`: where the request alone does not name it (method.h); null: it does.
  template <class Request, class Response, class Handler>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Request* request,
                                  Response* response, Handler handler,
                                  const google::protobuf::MethodDescriptor* method = nullptr);

  template <class Request, class Response, class Handler>
  grpc::ServerWriteReactor<Response>* Stream(grpc::CallbackServerContext* context, const Request* request,
                                             Handler handler,
                                             const google::protobuf::MethodDescriptor* method = nullptr);

  // What runs on the loop before the handler of a call that brings `motcua-after`, or of every call. Without
  // a hook they are served at once. Health is never kept waiting.
  void SetBeforeHook(BeforeHook hook, bool every_call = false) {
    before_hook_ = std::move(hook);
    before_every_call_ = every_call;
  }

  // A new host refuses calls with UNAVAILABLE (NOT_READY) until opened, and with UNAVAILABLE (SHUTTING_DOWN)
  // once closed; checks of health are always answered. What is in hand goes on.
  void Open();
  void Close();
  // After Close: open streams end with UNAVAILABLE (SHUTTING_DOWN), once they have told what they were just
  // about to tell.
  void EndStreams();

  int in_flight() const { return calls_.used(); }
  int streams() const { return streams_.used(); }
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
  internal::Budget calls_;
  internal::Budget streams_;
  internal::Budget health_checks_;
  internal::Budget health_watches_;
  Authenticator authenticator_;
  BeforeHook before_hook_;
  bool before_every_call_ = false;
  std::atomic<Gate> gate_{Gate::kNotReady};

  absl::Mutex mutex_;
  std::map<const google::protobuf::MethodDescriptor*, std::unique_ptr<internal::MethodState>> methods_
      ABSL_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<Call>> open_streams_ ABSL_GUARDED_BY(mutex_);
  bool ending_streams_ ABSL_GUARDED_BY(mutex_) = false;
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
  // Once, before the call is finished. Returns what to finish it with: `status`, or SHUTTING_DOWN for a
  // stream that ended because the service stops.
  absl::Status Record(absl::Status status);

  // nullptr before admission.
  const std::shared_ptr<Call>& call() const { return call_; }
  Host& host() { return host_; }
  bool must_wait() const {
    return call_ != nullptr && host_.before_hook_ != nullptr &&
           (host_.before_every_call_ || !call_->after().empty()) && !method_->is_health();
  }
  async::Task<absl::Status> WaitForWrites() { return host_.before_hook_(call_); }

 private:
  Host& host_;
  MethodState* method_ = nullptr;
  std::shared_ptr<Call> call_;
  absl::Time started_;
  bool stream_ = false;
  Budget* budget_ = nullptr;  // taken from
  // Of the call, from its first moment on: refused ones have a trace, too.
  std::string traceparent_;
};

}  // namespace internal
}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_HOST_H_
