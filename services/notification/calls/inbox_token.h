// How far a reader has come in each of several inboxes, as one opaque text.
//
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "services/notification/domain/inbox/inbox.h"

namespace motcua::notification {

class InboxToken {
 public:
  InboxToken() {}

  void Set(const InboxName& inbox, uint64_t number);
  // Nothing where the inbox had not been begun.
  std::optional<uint64_t> Find(const InboxName& inbox) const;

  // Good for the same `purpose` alone: which list, with which filter.
  std::string Encode(std::string_view purpose) const;
  static std::optional<InboxToken> Decode(std::string_view text, std::string_view purpose);

  // Of the last message, in microseconds.
  uint64_t at = 0;

 private:
  // By what stands for an inbox: some bytes of a digest of its name.
  std::map<std::string, uint64_t> numbers_;
};

}  // namespace motcua::notification
