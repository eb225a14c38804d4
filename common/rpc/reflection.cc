#include "common/rpc/reflection.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/message_bytes.h"
#include "common/rpc/server_call.h"
#include "common/status/errors.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace motcua::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// Longer than any name; answers repeat the request.
constexpr size_t kLongestRequest = 16 << 10;

constexpr absl::Duration kIdle = absl::Minutes(1);

// The file and all that it imports, each once.
void Collect(const FileDescriptor* file, std::set<const FileDescriptor*>& known,
             std::vector<std::string>& files) {
  if (!known.insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  files.push_back(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) Collect(file->dependency(i), known, files);
}

template <class Request, class Response>
class Reflection final : public internal::Method {
 public:
  explicit Reflection(Host& host)
      : Method(Request::descriptor()->file()->service(0)->method(0), host.metrics()), host_(host) {}

  google::protobuf::Message* NewRequest(google::protobuf::Arena* arena) const override {
    return google::protobuf::Arena::CreateMessage<Request>(arena);
  }

  async::Task<void> Serve(internal::CallEnd end) override {
    internal::ServerCall* const call = &end.call();
    absl::Status status;
    while (status.ok()) {
      absl::StatusOr<std::optional<grpc::ByteBuffer>> message =
          co_await internal::ServerCall::Read(call, absl::Now() + kIdle);
      status = message.status();
      if (!status.ok() || !message->has_value()) break;
      if ((*message)->Length() > kLongestRequest) {
        status = errors::ResourceExhausted("REQUEST_TOO_LARGE", "the request is too large");
        break;
      }
      Request request;
      grpc::Slice slice;
      const std::string_view bytes = InOnePiece(**message, slice);
      if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        status = errors::InvalidArgument("INVALID_REQUEST", "the request cannot be read");
        break;
      }
      const Response response = Answer(request);
      grpc::ByteBuffer answer = BytesOf(response);
      status = co_await internal::ServerCall::Write(call, std::move(answer));
    }
    end.Finish(status);
  }

 private:
  Response Answer(const Request& request) const {
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case Request::kListServices:
        for (const std::string& name : host_.ServiceNames()) {
          response.mutable_list_services_response()->add_service()->set_name(name);
        }
        break;
      case Request::kFileByFilename:
        TellFile(pool.FindFileByName(request.file_by_filename()), response);
        break;
      case Request::kFileContainingSymbol:
        TellFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), response);
        break;
      case Request::kFileContainingExtension: {
        const auto& asked = request.file_containing_extension();
        const Descriptor* type = pool.FindMessageTypeByName(asked.containing_type());
        const FieldDescriptor* extension =
            type == nullptr ? nullptr : pool.FindExtensionByNumber(type, asked.extension_number());
        TellFile(extension == nullptr ? nullptr : extension->file(), response);
        break;
      }
      case Request::kAllExtensionNumbersOfType: {
        const Descriptor* type = pool.FindMessageTypeByName(request.all_extension_numbers_of_type());
        if (type == nullptr) {
          TellFile(nullptr, response);
          break;
        }
        std::vector<const FieldDescriptor*> extensions;
        pool.FindAllExtensions(type, &extensions);
        auto* numbers = response.mutable_all_extension_numbers_response();
        numbers->set_base_type_name(type->full_name());
        for (const FieldDescriptor* extension : extensions)
          numbers->add_extension_number(extension->number());
        break;
      }
      default:
        response.mutable_error_response()->set_error_code(
            static_cast<int>(absl::StatusCode::kInvalidArgument));
        response.mutable_error_response()->set_error_message("message_request: is not set");
    }
    return response;
  }

  void TellFile(const FileDescriptor* file, Response& response) const {
    if (file == nullptr) {
      response.mutable_error_response()->set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
      response.mutable_error_response()->set_error_message("there is no such name here");
      return;
    }
    std::set<const FileDescriptor*> known;
    std::vector<std::string> files;
    Collect(file, known, files);
    for (std::string& bytes : files) {
      response.mutable_file_descriptor_response()->add_file_descriptor_proto(std::move(bytes));
    }
  }

  Host& host_;
};

}  // namespace

void AddReflection(Host& host) {
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  host.Add(std::make_unique<Reflection<v1::ServerReflectionRequest, v1::ServerReflectionResponse>>(host));
  host.Add(std::make_unique<Reflection<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>(
      host));
}

}  // namespace motcua::rpc
