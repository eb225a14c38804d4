#include "common/redis/command.h"

#include <charconv>

namespace motcua::redis {
namespace internal {
namespace {

// Enough for a sign, 19 digits and what surrounds them; also for the shortest form of a double.
constexpr size_t kNumberSize = 32;

void AppendHeader(std::string& out, char kind, size_t count) {
  char header[kNumberSize];
  header[0] = kind;
  char* end = std::to_chars(header + 1, header + kNumberSize - 2, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(header, static_cast<size_t>(end - header));
}

// What stands before a key that is not the first argument.
struct KeyPlace {
  std::string_view name;
  std::string_view behind;  // the argument before the key
  size_t arguments;         // between the name and the key, where nothing says
};
constexpr size_t kNoKey = SIZE_MAX;
constexpr KeyPlace kKeyPlaces[] = {
    {"XREAD", "STREAMS", 0}, {"EVAL", "", 2},         {"EVALSHA", "", 2},          {"PING", "", kNoKey},
    {"INFO", "", kNoKey},    {"ROLE", "", kNoKey},    {"TIME", "", kNoKey},        {"SCRIPT", "", kNoKey},
    {"WAIT", "", kNoKey},    {"CONFIG", "", kNoKey},  {"DBSIZE", "", kNoKey},      {"FLUSHALL", "", kNoKey},
    {"LATENCY", "", kNoKey}, {"CLUSTER", "", kNoKey}, {"BGREWRITEAOF", "", kNoKey}};

}  // namespace

std::optional<std::string_view> ReadBulk(std::string_view wire) {
  if (!wire.starts_with('$')) return std::nullopt;
  size_t length = 0;
  const auto [end, error] = std::from_chars(wire.data() + 1, wire.data() + wire.size(), length);
  const size_t begin = static_cast<size_t>(end - wire.data()) + 2;
  if (error != std::errc() || begin + length > wire.size()) return std::nullopt;
  return wire.substr(begin, length);
}

void AppendBulk(std::string& out, std::string_view bytes) {
  AppendHeader(out, '$', bytes.size());
  out.append(bytes);
  out.append("\r\n", 2);
}

void AppendBulk(std::string& out, int64_t number) {
  char digits[kNumberSize];
  const char* end = std::to_chars(digits, digits + kNumberSize, number).ptr;
  AppendBulk(out, std::string_view(digits, static_cast<size_t>(end - digits)));
}

void AppendBulk(std::string& out, double number) {
  char digits[kNumberSize];
  const char* end = std::to_chars(digits, digits + kNumberSize, number).ptr;
  AppendBulk(out, std::string_view(digits, static_cast<size_t>(end - digits)));
}

void AppendBulk(std::string& out, std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (std::string_view part : parts) size += part.size();
  AppendHeader(out, '$', size);
  for (std::string_view part : parts) out.append(part);
  out.append("\r\n", 2);
}

void AppendBulkHeader(std::string& out, size_t length) { AppendHeader(out, '$', length); }

void AppendArrayHeader(std::string& out, size_t count) { AppendHeader(out, '*', count); }

}  // namespace internal

Command::Command(std::string_view name) { internal::AppendBulk(body_, name); }

std::optional<std::string_view> Command::key() const {
  std::string_view rest = body_;
  const auto next = [&rest] {
    std::optional<std::string_view> bulk = internal::ReadBulk(rest);
    rest = bulk.has_value() ? std::string_view(bulk->data() + bulk->size() + 2, rest.data() + rest.size())
                            : std::string_view();
    return bulk;
  };
  const std::string_view name = next().value_or("");
  for (const internal::KeyPlace& place : internal::kKeyPlaces) {
    if (place.name != name) continue;
    if (place.arguments == internal::kNoKey) return std::nullopt;
    for (size_t i = 0; i < place.arguments; ++i) next();
    while (!place.behind.empty() && !rest.empty()) {
      if (next() == place.behind) break;
    }
    break;
  }
  return next();
}

void Command::AppendTo(std::string& out) const {
  internal::AppendArrayHeader(out, count_);
  out.append(body_);
}

}  // namespace motcua::redis
