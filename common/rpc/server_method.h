// What the host knows of one RPC that it serves: its name, its counters, how its requests are made and
// handled.
#pragma once

#include <array>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/telemetry/metrics.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace motcua::rpc::internal {

class Acceptor;
class CallEnd;
class Serving;
class ServerCall;

// Loop-confined but for its construction.
class Method {
 public:
  Method(const google::protobuf::MethodDescriptor* method, telemetry::Metrics& metrics);
  virtual ~Method() = default;

  // `motcua.intake.v1.IntakeService/File`.
  const std::string& name() const { return name_; }
  const google::protobuf::MethodDescriptor* descriptor() const { return descriptor_; }
  bool is_stream() const { return is_stream_; }
  // Health and reflection: open to everybody, before the service is.
  bool is_public() const { return is_public_; }
  // The request is a stream, too, which the handler reads; it begins without a request.
  bool reads_stream() const { return descriptor_->client_streaming(); }

  virtual google::protobuf::Message* NewRequest(google::protobuf::Arena* arena) const = 0;
  // Serves an admitted call.
  virtual async::Task<void> Serve(CallEnd end) = 0;

  void Count(absl::StatusCode code, absl::Duration taken);

 private:
  const google::protobuf::MethodDescriptor* const descriptor_;
  const std::string name_;
  const bool is_stream_;
  const bool is_public_;
  const telemetry::Labels labels_;
  telemetry::Metrics& metrics_;
  telemetry::Histogram& seconds_;
  std::array<telemetry::Counter*, 17> by_code_{};
};

}  // namespace motcua::rpc::internal
