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

}  // namespace

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

void Command::AppendTo(std::string& out) const {
  internal::AppendArrayHeader(out, count_);
  out.append(body_);
}

}  // namespace motcua::redis
