#include "common/rpc/call.h"

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/pattern.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

constexpr size_t kMaxAfter = 16;
constexpr size_t kMaxAfterBytes = 1024;

bool IsServiceName(std::string_view name) {
  if (name.empty() || name.size() > 32) return false;
  for (char c : name) {
    if (!(c >= 'a' && c <= 'z') && c != '-') return false;
  }
  return true;
}

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool IsZeros(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

// Version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
bool IsTraceparent(std::string_view text) {
  return text.size() == 55 && text.substr(0, 3) == "00-" && text[35] == '-' && text[52] == '-' &&
         IsHex(text.substr(3, 32)) && IsHex(text.substr(36, 16)) && IsHex(text.substr(53, 2)) &&
         !IsZeros(text.substr(3, 32)) && !IsZeros(text.substr(36, 16));
}

uint64_t RandomNumber() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  uint64_t number = generator();
  return number != 0 ? number : 1;
}

void AppendHex(uint64_t number, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(number >> shift) & 15];
}

}  // namespace

absl::Status ParseAfter(std::string_view text, std::vector<AfterWrite>& after) {
  auto invalid = [] {
    return errors::InvalidArgument("METADATA_INVALID", "motcua-after must be <service>/<shard>=<position>, at most 16");
  };
  if (text.size() > kMaxAfterBytes) return invalid();
  while (!text.empty()) {
    size_t end = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    size_t slash = item.find('/');
    size_t equals = item.find('=');
    if (slash == std::string_view::npos || equals == std::string_view::npos || equals < slash) return invalid();
    std::string_view service = item.substr(0, slash);
    std::string_view shard = item.substr(slash + 1, equals - slash - 1);
    std::string number(item.substr(equals + 1));
    uint64_t position = 0;
    if (!IsServiceName(service) || shard.empty() || !Matches(validate::v1::PATTERN_SHARD, shard) || number.empty() ||
        number.find_first_not_of("0123456789") != std::string::npos || !absl::SimpleAtoi(number, &position) ||
        after.size() == kMaxAfter) {
      return invalid();
    }
    after.emplace_back(std::string(service), std::string(shard), position);
  }
  return absl::OkStatus();
}

std::string FormatAfter(const std::vector<AfterWrite>& after) {
  std::string text;
  for (const AfterWrite& write : after) {
    absl::StrAppend(&text, text.empty() ? "" : ",", write.service, "/", write.shard, "=", write.position);
  }
  return text;
}

std::string ContinueTrace(std::string_view traceparent) {
  std::string continued = "00-";
  bool valid = IsTraceparent(traceparent);
  if (valid) {
    continued += traceparent.substr(3, 32);
  } else {
    AppendHex(RandomNumber(), continued);
    AppendHex(RandomNumber(), continued);
  }
  continued += '-';
  AppendHex(RandomNumber(), continued);
  continued += valid ? traceparent.substr(52, 3) : std::string_view("-01");
  return continued;
}

std::string_view TraceId(std::string_view traceparent) {
  return traceparent.size() >= 35 ? traceparent.substr(3, 32) : std::string_view();
}

}  // namespace motcua::rpc
