// Host: everything around the handlers of one process. A service gives it a coroutine for each RPC; the
// request's type names the RPC (method.h):
//
//   host.Unary<FileRequest, FileResponse>([this](std::shared_ptr<rpc::Call> call, const FileRequest& request)
//   {
//     return intake_.File(std::move(call), request);      // async::Task<absl::StatusOr<FileResponse>>
//   });
//   host.Stream<ReadRequest, ReadResponse>(
//       [this](std::shared_ptr<rpc::Call> call, const ReadRequest& request, StreamWriter<ReadResponse>
//       writer) {
//         return Serve(std::move(call), request, std::move(writer));   // async::Task<absl::Status>
//       });
//
// (The lambda is no coroutine, so it may capture. `request` lives, and so do the bytes that it was read from,
// until the task has ended.)
//
// All on the loop, for each call: is the service open → admission → who is it → may it call this → is the
// request valid → wait for the caller's own writes (`motcua-after`) → handler → answer. Errors on the way
// reach the caller with their details; each call is counted, timed, and where it failed or was slow, logged.
//
// Include unary.h or server_stream.h for the definitions of the two templates.
//
// Thread-safety: handlers and the hook are set before the server starts; Open, Close, EndStreams, in_flight
// and streams any thread. Lifetime: the loop outlives the host, the host outlives its server.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/auth/policy.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/budget.h"
#include "common/rpc/call.h"
#include "common/rpc/completion_queue.h"
#include "common/rpc/server_method.h"
#include "common/telemetry/metrics.h"
#include "google/protobuf/descriptor.h"

namespace motcua::rpc {

class HostOptions {
 public:
  HostOptions() {}
  // Unary calls served at the same time; one more is refused with RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  int max_in_flight = 1024;
  // Open streams, likewise.
  int max_streams = 1024;
  // Watches and, apart from these, checks of what is open to everybody (health, reflection), so that these
  // cannot use up the others' room.
  int max_public_streams = 64;
  int max_public_calls = 256;
  // Calls that wait for their client: for its request, and, counted apart, for it to take the answer. One
  // more, and the oldest of them is ended, so that clients that do neither use up no memory and nobody's
  // room.
  int max_waiting = 1024;
  // The longest that a request may take to arrive.
  absl::Duration request_patience = absl::Seconds(30);
  // Of a unary call that brings none.
  absl::Duration default_deadline = absl::Seconds(10);
  // The longest that a unary call may take, whatever it brings.
  absl::Duration max_deadline = absl::Minutes(10);
  // A call that took longer is logged.
  absl::Duration slow_call = absl::Seconds(1);
};

class Host {
 public:
  // Waits until the service has caught up with every write listed in call->after(), and with whatever else a
  // call must not fall behind. Errors: as the caller shall see them, e.g. DEADLINE_EXCEEDED (NOT_CAUGHT_UP).
  using BeforeHook = std::function<async::Task<absl::Status>(std::shared_ptr<Call> call)>;
  // A handler has refused a call that perhaps only came too early. OK where it may look different now: the
  // handler is asked again, once. Else what the caller is told instead.
  using AgainHook = std::function<async::Task<absl::Status>(
      std::shared_ptr<Call> call, const google::protobuf::Message& request, absl::Status refusal)>;

  Host(Loop& loop, auth::Policy policy, std::optional<auth::JwtVerifier> verifier,
       telemetry::Metrics& metrics, HostOptions options = HostOptions());
  ~Host();

  // `method`: where the request alone does not name it; null: it does.
  template <class Request, class Response, class Handler>
  void Unary(Handler handler, const google::protobuf::MethodDescriptor* method = nullptr);
  template <class Request, class Response, class Handler>
  void Stream(Handler handler, const google::protobuf::MethodDescriptor* method = nullptr);
  void Add(std::unique_ptr<internal::Method> method);

  // What runs before the handler of a call that brings `motcua-after`, or of every call. Without a hook they
  // are served at once. What is open to everybody is never kept waiting.
  void SetBeforeHook(BeforeHook hook, bool every_call = false) {
    before_hook_ = std::move(hook);
    before_every_call_ = every_call;
  }

  // `reason`: the refusals that are put to it, of unary calls. A handler that refuses for it has changed
  // nothing.
  void SetAgainHook(std::string reason, AgainHook hook) {
    again_reason_ = std::move(reason);
    again_hook_ = std::move(hook);
  }
  bool MayBeEarly(const absl::Status& refusal) const;
  async::Task<absl::Status> Again(std::shared_ptr<Call> call, const google::protobuf::Message& request,
                                  absl::Status refusal);

  // A new host refuses calls with UNAVAILABLE (NOT_READY) until opened, and with UNAVAILABLE (SHUTTING_DOWN)
  // once closed; checks of health are always answered. What is in hand goes on.
  void Open();
  void Close();
  // After Close: open streams end with UNAVAILABLE (SHUTTING_DOWN), once they have told what they were just
  // about to tell.
  void EndStreams();

  // Tokens are verified with other keys from now on. Any thread.
  void ReplaceVerifier(auth::JwtVerifier verifier) { authenticator_.Replace(std::move(verifier)); }

  int in_flight() const { return calls_.used(); }
  int streams() const { return streams_.used(); }
  Loop& loop() { return loop_; }
  const auth::Policy& policy() const { return policy_; }
  telemetry::Metrics& metrics() { return metrics_; }
  // Full names, sorted.
  std::vector<std::string> ServiceNames() const;

 private:
  friend class internal::Serving;
  friend class internal::ServerCall;
  friend class internal::Acceptor;
  enum class Gate { kNotReady, kOpen, kClosed };

  // `/motcua.intake.v1.IntakeService/File`; null where nothing of that name is served.
  internal::Method* Find(std::string_view path) const;
  absl::StatusOr<Authenticator::PrincipalPtr> Identify(const grpc::ServerContext& context,
                                                       std::string_view authorization, absl::Time now);

  Loop& loop_;
  const auth::Policy policy_;
  const HostOptions options_;
  telemetry::Metrics& metrics_;
  internal::Budget calls_;
  internal::Budget streams_;
  internal::Budget public_calls_;
  internal::Budget public_streams_;
  Authenticator authenticator_;
  BeforeHook before_hook_;
  bool before_every_call_ = false;
  std::string again_reason_;
  AgainHook again_hook_;
  std::atomic<Gate> gate_{Gate::kNotReady};

  // Set up before the server starts.
  absl::flat_hash_map<std::string, std::unique_ptr<internal::Method>> methods_;

  // Loop-confined.
  absl::flat_hash_set<internal::ServerCall*> open_streams_;
  bool ending_streams_ = false;
};

}  // namespace motcua::rpc
