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
  constexpr std::string_view kField = "master_replid:";
  const size_t field = info.find(kField);
  if (field == std::string_view::npos) return "";
  const std::string_view value = info.substr(field + kField.size());
  return std::string(value.substr(0, value.find('\r')));
}

}  // namespace motcua::redis::internal
