#include "common/redis/role.h"

#include "common/redis/errors.h"

namespace motcua::redis::internal {

absl::Status CheckPrimary(const Reply& role) {
  if (role.type() != Reply::Type::kArray || role.items().empty()) {
    return ProtocolError("the store does not tell its role");
  }
  const std::string& name = role.items().front().text();
  if (name == "master") return absl::OkStatus();
  return Unavailable("the server is not the one that takes writes: its role is " + name);
}

std::string HistoryOf(std::string_view info) {
  std::string history;
  // The second id and its offset are those of the primary before, where this one was promoted.
  for (const std::string_view field : {"\nrun_id:", "\nmaster_replid2:", "\nsecond_repl_offset:"}) {
    const size_t at = info.find(field);
    if (at == std::string_view::npos) return "";
    const std::string_view value = info.substr(at + field.size());
    history.append(value.substr(0, value.find('\r'))).push_back('/');
  }
  return history;
}

}  // namespace motcua::redis::internal
