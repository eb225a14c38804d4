// Which RPC a request type belongs to. The contract gives every RPC a request type of its own, so a handler or a
// client call needs no method name: the request names it.
#pragma once

#include <string>

#include "google/protobuf/descriptor.h"

namespace motcua::rpc {

// The one method of the request's file that takes it. Ends the process, with a line on standard error, where there
// is none or more than one: that is a mistake in a proto file, found by the first call of any test.
const google::protobuf::MethodDescriptor* MethodTaking(const google::protobuf::Descriptor* request);

// `motcua.intake.v1.IntakeService/File`.
std::string MethodName(const google::protobuf::MethodDescriptor* method);

// The same, which must answer with `response`: any other message could be read from its bytes as well.
const google::protobuf::MethodDescriptor* MethodTaking(const google::protobuf::Descriptor* request,
                                                       const google::protobuf::Descriptor* response);

template <class Request, class Response>
const google::protobuf::MethodDescriptor* MethodOf() {
  static const google::protobuf::MethodDescriptor* const method =
      MethodTaking(Request::descriptor(), Response::descriptor());
  return method;
}

}  // namespace motcua::rpc
