#include "services/notification/calls/inbox_token.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "common/store/store.h"
#include "common/store/varint.h"

namespace motcua::notification {
namespace {

constexpr size_t kMarkBytes = 8;
// Of one recipient's inboxes no two are alike in these.
constexpr size_t kNameBytes = 6;

std::string ShortName(const InboxName& inbox) {
  return store::Sha256(inbox.shard + "\n", inbox.recipient).substr(0, kNameBytes);
}

std::string MarkOf(std::string_view purpose) {
  return store::Sha256("inboxes\n", purpose).substr(0, kMarkBytes);
}

}  // namespace

void InboxToken::Set(const InboxName& inbox, uint64_t number) { numbers_[ShortName(inbox)] = number; }

std::optional<uint64_t> InboxToken::Find(const InboxName& inbox) const {
  const auto found = numbers_.find(ShortName(inbox));
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::string InboxToken::Encode(std::string_view purpose) const {
  std::string bytes = MarkOf(purpose);
  store::AppendVarint(bytes, at);
  for (const auto& [name, number] : numbers_) {
    bytes.append(name);
    store::AppendVarint(bytes, number);
  }
  return absl::WebSafeBase64Escape(bytes);
}

std::optional<InboxToken> InboxToken::Decode(std::string_view text, std::string_view purpose) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes)) return std::nullopt;
  std::string_view rest = bytes;
  if (rest.substr(0, kMarkBytes) != MarkOf(purpose)) return std::nullopt;
  rest.remove_prefix(kMarkBytes);
  InboxToken token;
  if (!store::TakeVarint(rest, token.at)) return std::nullopt;
  while (!rest.empty()) {
    if (rest.size() <= kNameBytes) return std::nullopt;
    std::string name(rest.substr(0, kNameBytes));
    rest.remove_prefix(kNameBytes);
    uint64_t number = 0;
    if (!store::TakeVarint(rest, number)) return std::nullopt;
    token.numbers_[std::move(name)] = number;
  }
  return token;
}

}  // namespace motcua::notification
