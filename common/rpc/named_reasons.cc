#include "common/rpc/named_reasons.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "motcua/common/v1/reason.pb.h"

namespace motcua::rpc {

bool IsNamed(const google::protobuf::MethodDescriptor& method, std::string_view reason) {
  if (method.file()->package().rfind("motcua.", 0) != 0) return true;
  const google::protobuf::EnumValueDescriptor* value =
      common::v1::Reason_descriptor()->FindValueByName(std::string("REASON_").append(reason));
  if (value == nullptr) return false;
  if (value->options().GetExtension(common::v1::any_method)) return true;
  const common::v1::MethodErrors& errors = method.options().GetExtension(common::v1::errors);
  for (const int named : errors.reasons()) {
    if (named == value->number()) return true;
  }
  return false;
}

}  // namespace motcua::rpc
