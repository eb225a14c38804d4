#include "common/rpc/method.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace motcua::rpc {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;

const MethodDescriptor* MethodTaking(const Descriptor* request) {
  const MethodDescriptor* taking = nullptr;
  int count = 0;
  for (int i = 0; i < request->file()->service_count(); ++i) {
    const auto* service = request->file()->service(i);
    for (int k = 0; k < service->method_count(); ++k) {
      if (service->method(k)->input_type() != request) continue;
      taking = service->method(k);
      ++count;
    }
  }
  if (count != 1) {
    std::fprintf(stderr, "%s must be the request of exactly one method of its file, is of %d\n",
                 request->full_name().c_str(), count);
    std::abort();
  }
  return taking;
}

const MethodDescriptor* MethodTaking(const Descriptor* request, const Descriptor* response) {
  const MethodDescriptor* method = MethodTaking(request);
  if (method->output_type() != response) {
    std::fprintf(stderr, "%s answers with %s, not with %s\n", MethodName(method).c_str(),
                 method->output_type()->full_name().c_str(), response->full_name().c_str());
    std::abort();
  }
  return method;
}

std::string MethodName(const MethodDescriptor* method) {
  return absl::StrCat(method->service()->full_name(), "/", method->name());
}

}  // namespace motcua::rpc
