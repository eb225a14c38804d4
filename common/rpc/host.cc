#include "common/rpc/host.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/method.h"
#include "common/rpc/named_reasons.h"
#include "common/rpc/server_call.h"
#include "common/rpc/validator.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"

namespace motcua::rpc {
namespace {

constexpr std::string_view kShuttingDown = "SHUTTING_DOWN";

absl::Status Stopping() { return errors::Unavailable(kShuttingDown, "the service is stopping"); }

std::string_view View(grpc::string_ref text) { return std::string_view(text.data(), text.size()); }

// Codes that say something about us rather than about the request.
bool IsOurFailure(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// What we read of a call's metadata.
struct Metadata {
  std::string_view authorization;
  std::string_view language;
  std::vector<AfterWrite> after;
};

absl::Status ReadMetadata(const grpc::ServerContext& context, Metadata& metadata) {
  for (const auto& [key, value] : context.client_metadata()) {
    std::string_view name = View(key);
    if (name == "authorization") {
      if (!metadata.authorization.empty()) {
        return errors::Unauthenticated("TOKEN_INVALID", "more than one authorization");
      }
      metadata.authorization = View(value);
      if (metadata.authorization.empty())
        return errors::Unauthenticated("TOKEN_INVALID", "empty authorization");
    } else if (name == "accept-language") {
      metadata.language = View(value);
    } else if (name == "motcua-after") {
      if (absl::Status parsed = ParseAfter(View(value), metadata.after); !parsed.ok()) return parsed;
    }
  }
  return absl::OkStatus();
}

std::string TraceOf(const grpc::ServerContext& context) {
  const auto found = context.client_metadata().find("traceparent");
  return telemetry::ContinueTrace(found == context.client_metadata().end() ? std::string_view()
                                                                           : View(found->second));
}

std::string_view CallerKind(const Call* call) {
  return call == nullptr ? std::string_view() : auth::KindName(call->principal().kind);
}

// One line for every call, for those who look closely.
void LogAccess(std::string_view method, const Call* call, absl::StatusCode code, absl::Duration taken,
               std::string_view traceparent) {
  if (!telemetry::Enabled(telemetry::Level::kDebug)) return;
  telemetry::Log(telemetry::Level::kDebug, "call",
                 {{"method", method},
                  {"code", absl::StatusCodeToString(code)},
                  {"ms", absl::ToDoubleMilliseconds(taken)},
                  {"caller", CallerKind(call)},
                  {"trace", telemetry::TraceId(traceparent)}});
}

void LogCall(std::string_view method, const Call* call, const absl::Status& status, absl::Duration taken,
             std::string_view traceparent) {
  static telemetry::RateLimit limit(50, absl::Seconds(1));
  telemetry::Level level = status.ok() || IsOurFailure(status.code()) ? telemetry::Level::kWarning
                                                                      : telemetry::Level::kInfo;
  if (status.code() == absl::StatusCode::kCancelled || errors::Reason(status) == kShuttingDown) {
    level = telemetry::Level::kDebug;
  }
  uint64_t skipped = 0;
  if (!telemetry::Enabled(level) || !limit.Pass(absl::Now(), skipped)) return;
  telemetry::Log(level, status.ok() ? "slow call" : "call failed",
                 {{"method", method},
                  {"code", absl::StatusCodeToString(status.code())},
                  {"reason", errors::Reason(status)},
                  {"error", std::string(status.message())},
                  {"ms", absl::ToDoubleMilliseconds(taken)},
                  {"caller", CallerKind(call)},
                  {"trace", telemetry::TraceId(traceparent)},
                  {"skipped", skipped}});
}

}  // namespace

namespace internal {

Method::Method(const google::protobuf::MethodDescriptor* method, telemetry::Metrics& metrics)
    : descriptor_(method),
      name_(MethodName(method)),
      is_stream_(method->server_streaming()),
      is_public_(method->file()->package().starts_with("grpc.")),
      labels_({{"service", method->service()->full_name()}, {"method", method->name()}}),
      metrics_(metrics),
      seconds_(
          metrics.MakeHistogram("motcua_rpc_seconds", "Time from a call's arrival to its end.", labels_)) {}

void Method::Count(absl::StatusCode code, absl::Duration taken) {
  const size_t index = static_cast<size_t>(code) < by_code_.size() ? static_cast<size_t>(code) : 2;
  telemetry::Counter*& counter = by_code_[index];
  if (counter == nullptr) {
    telemetry::Labels labels = labels_;
    labels["code"] = absl::StatusCodeToString(static_cast<absl::StatusCode>(index));
    counter = &metrics_.MakeCounter("motcua_rpc_calls_total", "Calls by their outcome.", labels);
  }
  counter->Add(1);
  seconds_.Observe(absl::ToDoubleSeconds(taken));
}

absl::Status Serving::Admit(const grpc::ServerContext& context, Method& method,
                            const google::protobuf::Message* request, std::string_view request_bytes,
                            const absl::Status& readable) {
  method_ = &method;
  traceparent_ = TraceOf(context);
  const bool stream = method.is_stream();
  const bool is_public = method.is_public();
  Host::Gate gate = host_.gate_.load(std::memory_order_acquire);
  if (gate == Host::Gate::kNotReady && !is_public)
    return errors::Unavailable("NOT_READY", "the service is starting");
  if (gate == Host::Gate::kClosed && (stream || !is_public)) return Stopping();

  if (is_public) {
    budget_ = stream ? &host_.public_streams_ : &host_.public_calls_;
  } else {
    budget_ = stream ? &host_.streams_ : &host_.calls_;
  }
  if (!budget_->Take()) {
    return errors::ResourceExhausted("TOO_MANY_CALLS", "the service has as many calls in hand as it can take");
  }

  Metadata metadata;
  if (absl::Status read = ReadMetadata(context, metadata); !read.ok()) return read;
  // What is public is everybody's, also of a prober whose token has run out.
  absl::StatusOr<Authenticator::PrincipalPtr> principal = host_.authenticator_.anonymous();
  if (!is_public) {
    principal = host_.Identify(context, metadata.authorization, started_);
    if (!principal.ok()) return principal.status();
    if (absl::Status allowed = host_.policy_.Check(method_->name(), **principal); !allowed.ok())
      return allowed;
  }
  if (!readable.ok()) return readable;
  if (request != nullptr) {
    if (absl::Status valid = Validate(*request); !valid.ok()) return valid;
  }

  absl::Time deadline = absl::InfiniteFuture();
  if (context.deadline() != std::chrono::system_clock::time_point::max()) {
    deadline = absl::FromChrono(context.deadline());
  }
  if (!stream) {
    if (deadline == absl::InfiniteFuture()) deadline = started_ + host_.options_.default_deadline;
    deadline = std::min(deadline, started_ + host_.options_.max_deadline);
  }
  call_ = std::make_shared<Call>(host_.loop_, *std::move(principal), method_->name(), deadline);
  call_->set_traceparent(traceparent_);
  call_->set_request_bytes(request_bytes);
  if (!metadata.after.empty()) call_->set_after(std::move(metadata.after));
  if (metadata.language.starts_with("en")) call_->set_english();
  return absl::OkStatus();
}

// As the caller is told it: see ToGrpc.
std::string ReasonOf(const absl::Status& status) {
  std::string reason = errors::Reason(status);
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

// A program that reads the contract does not expect it. Tests end here (MOTCUA_STRICT_CONTRACT).
void TellUnnamed(const Method& method, const absl::Status& status) {
  static const bool strict = std::getenv("MOTCUA_STRICT_CONTRACT") != nullptr;
  const std::string reason = ReasonOf(status);
  telemetry::Log(telemetry::Level::kError, "the contract does not name this reason",
                 {{"method", method.name()}, {"reason", reason}, {"error", std::string(status.message())}});
  if (!strict) return;
  std::fprintf(stderr, "%s: the contract does not name %s\n", method.name().c_str(), reason.c_str());
  std::abort();
}

absl::Status Serving::Record(absl::Status status) {
  const bool stream = method_->is_stream();
  // A reader that went away does not see how its stream ended.
  if (stream && call_ != nullptr && (status.ok() || absl::IsCancelled(status)) &&
      call_->cancel().cancelled() && host_.gate_.load(std::memory_order_acquire) == Host::Gate::kClosed) {
    status = Stopping();
  }
  absl::Duration taken = absl::Now() - started_;
  method_->Count(status.code(), taken);
  if (budget_ != nullptr) budget_->GiveBack();
  if (!status.ok() && !IsNamed(*method_->descriptor(), ReasonOf(status))) TellUnnamed(*method_, status);
  if (!status.ok() || (!stream && taken > host_.options_.slow_call)) {
    LogCall(method_->name(), call_.get(), status, taken, traceparent_);
  }
  LogAccess(method_->name(), call_.get(), status.code(), taken, traceparent_);
  return status;
}

}  // namespace internal

Host::Host(Loop& loop, auth::Policy policy, std::optional<auth::JwtVerifier> verifier,
           telemetry::Metrics& metrics, HostOptions options)
    : loop_(loop),
      policy_(std::move(policy)),
      options_(options),
      metrics_(metrics),
      calls_(options.max_in_flight, &metrics.MakeGauge("motcua_rpc_in_flight", "Unary calls being served.")),
      streams_(options.max_streams, &metrics.MakeGauge("motcua_rpc_streams", "Open streams.")),
      public_calls_(options.max_public_calls, nullptr),
      public_streams_(options.max_public_streams, nullptr),
      authenticator_(std::move(verifier)) {}

Host::~Host() = default;

void Host::Add(std::unique_ptr<internal::Method> method) {
  std::string path = "/" + method->name();
  methods_[std::move(path)] = std::move(method);
}

internal::Method* Host::Find(std::string_view path) const {
  auto found = methods_.find(absl::string_view(path.data(), path.size()));
  return found == methods_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Host::ServiceNames() const {
  std::set<std::string> names;
  for (const auto& [path, method] : methods_) names.insert(method->descriptor()->service()->full_name());
  return std::vector<std::string>(names.begin(), names.end());
}

bool Host::MayBeEarly(const absl::Status& refusal) const {
  return again_hook_ != nullptr && errors::Reason(refusal) == again_reason_;
}

async::Task<absl::Status> Host::Again(std::shared_ptr<Call> call, const google::protobuf::Message& request,
                                      absl::Status refusal) {
  return again_hook_(std::move(call), request, std::move(refusal));
}

void Host::Open() { gate_.store(Gate::kOpen, std::memory_order_release); }

void Host::Close() { gate_.store(Gate::kClosed, std::memory_order_release); }

void Host::EndStreams() {
  // Two turns of the loop on: in the first, streams that were woken by what came before (health that is no
  // longer serving) tell it.
  loop_.Post([this] {
    ending_streams_ = true;
    std::vector<internal::CallRef> open;
    for (internal::ServerCall* call : open_streams_) open.emplace_back(call);
    loop_.Post([open = std::move(open)] {
      for (const internal::CallRef& call : open) call.get()->EndSoon();
    });
  });
}

absl::StatusOr<Authenticator::PrincipalPtr> Host::Identify(const grpc::ServerContext& context,
                                                           std::string_view authorization, absl::Time now) {
  if (!authorization.empty()) return authenticator_.Bearer(authorization, now);
  auto peer = context.auth_context();
  if (peer != nullptr && peer->IsPeerAuthenticated()) {
    auto ids = peer->FindPropertyValues("peer_spiffe_id");
    if (ids.size() == 1) return authenticator_.Certificate(View(ids.front()));
  }
  return authenticator_.anonymous();
}

}  // namespace motcua::rpc
