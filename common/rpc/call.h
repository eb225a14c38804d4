// Call: what a handler knows about the call it serves, all of it verified.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/auth/principal.h"

namespace motcua::rpc {

// A write that the caller has seen, and that the answer must not fall behind (metadata `motcua-after`).
class AfterWrite {
 public:
  AfterWrite() {}
  AfterWrite(std::string service, std::string shard, uint64_t position)
      : service(std::move(service)), shard(std::move(shard)), position(position) {}
  bool operator==(const AfterWrite&) const = default;

  std::string service;  // `intake`
  std::string shard;    // `H30`
  uint64_t position = 0;
};

// Reads `<service>/<shard>=<position>`, several separated by commas; at most 16.
// Errors: INVALID_ARGUMENT (METADATA_INVALID).
absl::Status ParseAfter(std::string_view text, std::vector<AfterWrite>& after);
std::string FormatAfter(const std::vector<AfterWrite>& after);

// Created by the host before a handler runs, or by a test; then immutable but for cancellation. The handler's
// coroutine holds it by shared_ptr. The loop outlives it.
class Call {
 public:
  // As tests and internal callers make one: no metadata, default language.
  Call(async::Loop& loop, auth::Principal principal, std::string_view method, absl::Time deadline)
      : Call(loop, std::make_shared<const auth::Principal>(std::move(principal)), method, deadline) {}
  Call(async::Loop& loop, std::shared_ptr<const auth::Principal> principal, std::string_view method,
       absl::Time deadline)
      : principal_(std::move(principal)), method_(method), deadline_(deadline), cancel_(loop) {}

  const auth::Principal& principal() const { return *principal_; }
  // `motcua.intake.v1.IntakeService/File`. The view lives as long as the host.
  std::string_view method() const { return method_; }
  // When the caller stops waiting: of the system clock, never simulated. For streams perhaps InfiniteFuture.
  absl::Time deadline() const { return deadline_; }
  // Cancelled when the caller has gone away or given up, or the server stops.
  async::CancelToken cancel() const { return cancel_.token(); }
  // To be handed on with calls to other services, and into events (common/telemetry/trace.h).
  const std::string& traceparent() const { return traceparent_; }
  const std::vector<AfterWrite>& after() const { return after_; }
  // `vi` (default) or `en`, from `accept-language`.
  std::string_view language() const { return language_; }

  // The request as it was received; empty where a test made the call. Lives as long as the handler's task.
  std::string_view request_bytes() const { return request_bytes_; }

  // Any thread.
  void Cancel() { cancel_.Cancel(); }

  void set_traceparent(std::string traceparent) { traceparent_ = std::move(traceparent); }
  void set_after(std::vector<AfterWrite> after) { after_ = std::move(after); }
  void set_request_bytes(std::string_view bytes) { request_bytes_ = bytes; }
  void set_english() { language_ = "en"; }

 private:
  std::shared_ptr<const auth::Principal> principal_;
  std::string_view method_;
  absl::Time deadline_;
  async::CancelSource cancel_;
  std::string traceparent_;
  std::vector<AfterWrite> after_;
  std::string_view language_ = "vi";
  std::string_view request_bytes_;
};

}  // namespace motcua::rpc
