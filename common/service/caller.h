// From a gRPC call to what a decision knows of its caller.
#pragma once

#include "common/rpc/call.h"
#include "common/store/mutate.h"

namespace motcua::service {

// The actor is the verified principal: its subject, and the agency on whose behalf it acts.
inline store::Caller CallerOf(const rpc::Call& call) {
  common::v1::Actor actor;
  actor.set_id(call.principal().subject);
  actor.set_agency(call.principal().agency);
  store::Caller caller(std::move(actor), call.traceparent(), call.deadline(), call.cancel());
  caller.request_bytes = call.request_bytes();
  return caller;
}

}  // namespace motcua::service
