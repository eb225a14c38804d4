#include "clients/motcua/connection.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/client.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/method.h"
#include "common/status/errors.h"
#include "common/telemetry/trace.h"

namespace motcua::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using Stub = grpc::TemplatedGenericStub<Message, Message>;

constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// For an address that does not even refuse.
constexpr absl::Duration kConnectPatience = absl::Seconds(5);
constexpr const char* kVariables[] = {"MOTCUA_INTAKE", "MOTCUA_ROUTING", "MOTCUA_DEADLINE",
                                      "MOTCUA_NOTIFICATION"};

// What all calls of a connection have in common.
struct Common {
  bool english = false;
  std::string traceparent;
};

void Prepare(const CallOptions& options, const Common& common, grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
  if (!options.after.empty()) context.AddMetadata("motcua-after", options.after);
  if (common.english) context.AddMetadata("accept-language", "en");
  context.AddMetadata("traceparent", telemetry::ContinueTrace(common.traceparent));
}

bool MayRepeat(const absl::Status& status) {
  if (absl::IsAborted(status)) return errors::Reason(status) != "VERSION_MISMATCH";
  return errors::IsRetryable(status) || absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

// One service's.
struct Line {
  std::string name;
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<Stub> stub;
};

struct Connection::Channels {
  std::array<Line, kServices.size()> lines;
  Common common;

  absl::StatusOr<const Line*> Find(Service service) const {
    const Line* line = &lines[static_cast<size_t>(service)];
    if (line->stub != nullptr) return line;
    return absl::FailedPreconditionError(
        absl::StrCat("the address of ", NameOf(service), " is not known: set ",
                     kVariables[static_cast<size_t>(service)], "=host:port"));
  }
};

Connection::Connection(std::unique_ptr<Channels> channels) : channels_(std::move(channels)) {}
Connection::~Connection() = default;

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Settings& settings) {
  auto channels = std::make_unique<Channels>();
  channels->common.english = settings.english;
  channels->common.traceparent = settings.traceparent;
  for (size_t i = 0; i < kServices.size(); ++i) {
    if (settings.addresses[i].empty()) continue;
    rpc::ChannelOptions options(settings.addresses[i]);
    options.tls = rpc::TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_ca);
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = rpc::MakeChannel(options);
    if (!channel.ok()) return channel.status();
    channels->lines[i] = {kServiceNames[i], settings.addresses[i], *channel,
                          std::make_unique<Stub>(*channel)};
  }
  return std::unique_ptr<Connection>(new Connection(std::move(channels)));
}

namespace {

errors::Metadata Whom(const Line& line) { return {{"service", line.name}, {"address", line.address}}; }

// Who did not answer belongs to an error that has no more to say than that.
absl::Status Named(const Line& line, const absl::Status& status) {
  const std::string reason = errors::Reason(status);
  if (reason != "OUTCOME_UNKNOWN" && reason != "DEADLINE_EXCEEDED") return status;
  const bool reached = line.channel->GetState(false) == GRPC_CHANNEL_READY;
  return errors::Make(status.code(), absl::IsUnavailable(status) && !reached ? "UNREACHABLE" : reason,
                      absl::StrCat(line.name, " at ", line.address, ": ", std::string(status.message())),
                      Whom(line));
}

// Waits for a connection, and drives its handshakes: nothing else here polls for them. `patient`: also while
// the service refuses; else that is for the call to tell.
absl::Status Connect(const Line& line, absl::Time deadline, bool patient) {
  while (true) {
    const grpc_connectivity_state state = line.channel->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_SHUTDOWN) return absl::OkStatus();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE && !patient) return absl::OkStatus();
    if (!line.channel->WaitForStateChange(state, absl::ToChronoTime(deadline))) {
      return errors::Unavailable(
          "UNREACHABLE", absl::StrCat(line.name, " at ", line.address, ": cannot be reached"), Whom(line));
    }
  }
}

// One attempt, on the calling thread.
absl::Status Attempt(Stub& stub, const std::string& method, const Message& request, Message& response,
                     const CallOptions& options, const Common& common) {
  grpc::ClientContext context;
  Prepare(options, common, context);
  grpc::CompletionQueue queue;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return rpc::FromGrpc(status);
}

std::string PathOf(const Descriptor* request, const Descriptor* response) {
  return "/" + rpc::MethodName(rpc::MethodTaking(request, response));
}

}  // namespace

absl::Status Connection::Call(Service service, const Message& request, Message& response,
                              const CallOptions& options) const {
  absl::StatusOr<const Line*> found = channels_->Find(service);
  if (!found.ok()) return found.status();
  const Line& line = **found;
  const std::string method = PathOf(request.GetDescriptor(), response.GetDescriptor());
  const absl::Time give_up = absl::Now() + options.patience;
  absl::Duration pause = kFirstPause;
  absl::BitGen random;
  for (bool again = false;; again = true) {
    const absl::Time connected_by =
        again ? std::max(give_up, absl::Now() + kFirstPause) : absl::Now() + kConnectPatience;
    absl::Status status = Connect(line, connected_by, again);
    if (status.ok())
      status = Named(line, Attempt(*line.stub, method, request, response, options, channels_->common));
    if (status.ok() || !MayRepeat(status) || absl::Now() >= give_up) return status;
    // Full jitter, but never without any pause.
    const absl::Duration wait = std::max(pause * absl::Uniform(random, 0.1, 1.0), absl::Milliseconds(2));
    absl::SleepFor(
        std::min(std::max(wait, std::min(errors::RetryDelay(status), kLongestPause)), give_up - absl::Now()));
    pause = std::min(pause * 2, kLongestPause);
    if (options.before_retry) {
      if (absl::Status ready = options.before_retry(); !ready.ok()) return ready;
    }
  }
}

absl::Status Connection::Stream(Service service, const Message& request, Message& message,
                                const CallOptions& options, absl::FunctionRef<bool()> on_message) const {
  absl::StatusOr<const Line*> found = channels_->Find(service);
  if (!found.ok()) return found.status();
  const Line& line = **found;
  if (absl::Status reached = Connect(line, absl::Now() + kConnectPatience, /*patient=*/false);
      !reached.ok()) {
    return reached;
  }
  grpc::ClientContext context;
  Prepare(options, channels_->common, context);
  grpc::CompletionQueue queue;
  void* tag;
  bool ok = false;
  const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
  auto call =
      line.stub->PrepareCall(&context, PathOf(request.GetDescriptor(), message.GetDescriptor()), &queue);
  call->StartCall(nullptr);
  bool going = step();
  if (going) {
    call->WriteLast(request, grpc::WriteOptions(), nullptr);
    going = step();
  }
  bool enough = false;
  while (going && !enough) {
    call->Read(&message, nullptr);
    going = step();
    if (going) enough = !on_message();
  }
  if (enough) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return enough ? absl::OkStatus() : Named(line, rpc::FromGrpc(status));
}

Service ServiceOf(const Descriptor* request) {
  const std::string& package = request->file()->package();
  if (package == "motcua.routing.v1") return Service::kRouting;
  if (package == "motcua.deadline.v1") return Service::kDeadlineMonitor;
  if (package == "motcua.notification.v1") return Service::kNotification;
  return Service::kIntake;
}

const Descriptor* ResponseTypeOf(const Descriptor* request) {
  return rpc::MethodTaking(request)->output_type();
}

std::unique_ptr<Message> NewResponse(const Descriptor* request) {
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(ResponseTypeOf(request));
  return std::unique_ptr<Message>(prototype->New());
}

}  // namespace motcua::client
