#include "common/rpc/message_bytes.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace motcua::rpc {

grpc::ByteBuffer BytesOf(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer BytesOf(std::string wire) {
  auto held = std::make_unique<std::string>(std::move(wire));
  grpc::Slice slice(
      held->data(), held->size(), [](void* owner) { delete static_cast<std::string*>(owner); }, held.get());
  held.release();  // NOLINT: the slice has it
  return grpc::ByteBuffer(&slice, 1);
}

std::string_view InOnePiece(const grpc::ByteBuffer& bytes, grpc::Slice& slice) {
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return std::string_view();
  return std::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

}  // namespace motcua::rpc
