#include "common/redis/reply.h"

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

constexpr size_t kDebugStringSize = 200;

std::string_view TypeName(Reply::Type type) {
  switch (type) {
    case Reply::Type::kNil:
      return "nil";
    case Reply::Type::kInteger:
      return "integer";
    case Reply::Type::kString:
      return "string";
    case Reply::Type::kStatus:
      return "status";
    case Reply::Type::kError:
      return "error";
    case Reply::Type::kArray:
      return "array";
  }
  return "unknown";
}

absl::Status WrongType(const Reply& reply, std::string_view wanted) {
  std::string message = "the store answered with ";
  message.append(TypeName(reply.type())).append(" where ").append(wanted).append(" was expected");
  return internal::ProtocolError(message);
}

void AppendDebug(const Reply& reply, std::string& out) {
  if (out.size() > kDebugStringSize) return;
  switch (reply.type()) {
    case Reply::Type::kNil:
      out += "nil";
      return;
    case Reply::Type::kInteger:
      absl::StrAppend(&out, reply.integer());
      return;
    case Reply::Type::kString:
      absl::StrAppend(&out, "\"", absl::CHexEscape(reply.text().substr(0, kDebugStringSize)), "\"");
      return;
    case Reply::Type::kStatus:
      absl::StrAppend(&out, "+", reply.text());
      return;
    case Reply::Type::kError:
      absl::StrAppend(&out, "-", reply.text());
      return;
    case Reply::Type::kArray:
      out += "[";
      for (size_t i = 0; i < reply.items().size() && out.size() <= kDebugStringSize; ++i) {
        if (i > 0) out += ", ";
        AppendDebug(reply.items()[i], out);
      }
      out += "]";
      return;
  }
}

}  // namespace

Reply Reply::Integer(int64_t value) {
  Reply reply;
  reply.type_ = Type::kInteger;
  reply.integer_ = value;
  return reply;
}

Reply Reply::String(std::string bytes) {
  Reply reply;
  reply.type_ = Type::kString;
  reply.text_ = std::move(bytes);
  return reply;
}

Reply Reply::Status(std::string text) {
  Reply reply;
  reply.type_ = Type::kStatus;
  reply.text_ = std::move(text);
  return reply;
}

Reply Reply::Error(std::string text) {
  Reply reply;
  reply.type_ = Type::kError;
  reply.text_ = std::move(text);
  return reply;
}

Reply Reply::Array(std::vector<Reply> items) {
  Reply reply;
  reply.type_ = Type::kArray;
  reply.items_ = std::move(items);
  return reply;
}

absl::StatusOr<int64_t> Reply::AsInteger() const {
  if (type_ == Type::kInteger) return integer_;
  int64_t value = 0;
  if (type_ == Type::kString && absl::SimpleAtoi(text_, &value)) return value;
  return WrongType(*this, "an integer");
}

absl::StatusOr<std::string_view> Reply::AsString() const {
  if (type_ == Type::kString || type_ == Type::kStatus) return std::string_view(text_);
  return WrongType(*this, "a string");
}

absl::StatusOr<std::string> Reply::TakeString() && {
  if (type_ == Type::kString || type_ == Type::kStatus) return std::move(text_);
  return WrongType(*this, "a string");
}

absl::StatusOr<const std::vector<Reply>*> Reply::AsArray() const {
  if (type_ == Type::kArray) return &items_;
  return WrongType(*this, "an array");
}

absl::StatusOr<std::vector<Reply>> Reply::TakeArray() && {
  if (type_ == Type::kArray) return std::move(items_);
  return WrongType(*this, "an array");
}

std::string Reply::DebugString() const {
  std::string out;
  AppendDebug(*this, out);
  if (out.size() > kDebugStringSize) {
    out.resize(kDebugStringSize);
    out += "...";
  }
  return out;
}

bool Reply::operator==(const Reply& other) const {
  return type_ == other.type_ && integer_ == other.integer_ && text_ == other.text_ && items_ == other.items_;
}

}  // namespace motcua::redis
