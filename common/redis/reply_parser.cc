#include "common/redis/reply_parser.h"

#include <absl/strings/str_cat.h>
#include <hiredis/read.h>

#include <string>
#include <utility>
#include <vector>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

// A corrupt length must not become an allocation of gigabytes.
constexpr int kMaxItems = 4'000'000;

// The parent's items exist before the children are read, so a child is assigned to its place.
void* Place(const redisReadTask* task, Reply reply) {
  Reply* place;
  if (task->parent != nullptr) {
    place = &static_cast<Reply*>(task->parent->obj)->items()[static_cast<size_t>(task->idx)];
  } else {
    place = static_cast<Reply*>(task->privdata);
  }
  *place = std::move(reply);
  return place;
}

void* CreateString(const redisReadTask* task, char* bytes, size_t size) {
  std::string text(bytes, size);
  switch (task->type) {
    case REDIS_REPLY_ERROR:
      return Place(task, Reply::Error(std::move(text)));
    case REDIS_REPLY_STATUS:
      return Place(task, Reply::Status(std::move(text)));
    default:
      return Place(task, Reply::String(std::move(text)));
  }
}

void* CreateArray(const redisReadTask* task, int size) {
  if (size < 0 || size > kMaxItems) return nullptr;
  return Place(task, Reply::Array(std::vector<Reply>(static_cast<size_t>(size))));
}

void* CreateInteger(const redisReadTask* task, long long value) { return Place(task, Reply::Integer(value)); }

void* CreateNil(const redisReadTask* task) { return Place(task, Reply()); }

void FreeNothing(void*) {}  // the root is a member of the parser

redisReplyObjectFunctions kFunctions = {CreateString, CreateArray, CreateInteger, CreateNil, FreeNothing};

}  // namespace

void ReplyParser::ReaderDeleter::operator()(redisReader* reader) const { redisReaderFree(reader); }

ReplyParser::ReplyParser() : reader_(redisReaderCreateWithFunctions(&kFunctions)) {
  reader_->privdata = &root_;
}

ReplyParser::~ReplyParser() = default;

absl::Status ReplyParser::Feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return internal::ProtocolError("the store's answer does not fit into memory");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ReplyParser::Next(Reply* reply) {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) {
    return internal::ProtocolError("the store's answer breaks the protocol");
  }
  if (whole == nullptr) return false;
  *reply = std::move(root_);
  root_ = Reply();
  return true;
}

}  // namespace motcua::redis
