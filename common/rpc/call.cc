#include "common/rpc/call.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/pattern.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

constexpr size_t kMaxAfter = 16;
constexpr size_t kMaxAfterBytes = 1024;

bool LooksLikeService(std::string_view name) {
  if (name.empty() || name.size() > 32) return false;
  for (char c : name) {
    if (!(c >= 'a' && c <= 'z') && c != '-') return false;
  }
  return true;
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
    if (!LooksLikeService(service) || shard.empty() || !Matches(validate::v1::PATTERN_SHARD, shard) ||
        number.empty() || number.find_first_not_of("0123456789") != std::string::npos ||
        !absl::SimpleAtoi(number, &position) || after.size() == kMaxAfter) {
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

}  // namespace motcua::rpc
