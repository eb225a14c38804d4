// Which machine reasons the contract names at a method (motcua.common.v1.errors, see reason.proto).
#pragma once

#include <string_view>

#include "google/protobuf/descriptor.h"

namespace motcua::rpc {

// Whether the method may fail for `reason`: it is named there, or any method may. Methods of other packages
// than Motcua's may fail for whatever they like. Pure and thread-safe.
bool IsNamed(const google::protobuf::MethodDescriptor& method, std::string_view reason);

}  // namespace motcua::rpc
