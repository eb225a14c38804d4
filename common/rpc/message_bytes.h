// Messages as gRPC carries them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "google/protobuf/message_lite.h"

namespace motcua::rpc {

// The wire form of `message`, in one piece. Thread-safe.
grpc::ByteBuffer BytesOf(const google::protobuf::MessageLite& message);
// Takes a wire form over without copying it.
grpc::ByteBuffer BytesOf(std::string wire);

// What has arrived, in one piece: `slice` holds the bytes that the view shows; copied only where gRPC has
// them in several pieces.
std::string_view InOnePiece(const grpc::ByteBuffer& bytes, grpc::Slice& slice);

}  // namespace motcua::rpc
