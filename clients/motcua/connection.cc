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

struct Connection::Channels {
  std::array<std::unique_ptr<Stub>, kServices.size()> stubs;
  Common common;

  absl::StatusOr<Stub*> Find(Service service) const {
    Stub* stub = stubs[static_cast<size_t>(service)].get();
    if (stub != nullptr) return stub;
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
    channels->stubs[i] = std::make_unique<Stub>(*channel);
  }
  return std::unique_ptr<Connection>(new Connection(std::move(channels)));
}

namespace {

// One attempt, on the calling thread. `again`: the service may be away; wait until it can be reached. Only a
// call that waits drives the connection's handshakes, since nothing else here polls for them.
absl::Status Attempt(Stub& stub, const std::string& method, const Message& request, Message& response,
                     const CallOptions& options, const Common& common, bool again) {
  grpc::ClientContext context;
  Prepare(options, common, context);
  context.set_wait_for_ready(again);
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

std::string PathOf(const Descriptor* request) { return "/" + rpc::MethodName(rpc::MethodTaking(request)); }

}  // namespace

absl::Status Connection::Call(Service service, const Message& request, Message& response,
                              const CallOptions& options) const {
  absl::StatusOr<Stub*> stub = channels_->Find(service);
  if (!stub.ok()) return stub.status();
  const std::string method = PathOf(request.GetDescriptor());
  const absl::Time give_up = absl::Now() + options.patience;
  absl::Duration pause = kFirstPause;
  absl::BitGen random;
  for (bool again = false;; again = true) {
    absl::Status status = Attempt(**stub, method, request, response, options, channels_->common, again);
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
  absl::StatusOr<Stub*> stub = channels_->Find(service);
  if (!stub.ok()) return stub.status();
  grpc::ClientContext context;
  Prepare(options, channels_->common, context);
  grpc::CompletionQueue queue;
  void* tag;
  bool ok = false;
  const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
  auto call = (*stub)->PrepareCall(&context, PathOf(request.GetDescriptor()), &queue);
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
  return enough ? absl::OkStatus() : rpc::FromGrpc(status);
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
