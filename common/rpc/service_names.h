#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace motcua::rpc {

// The services of an installation, in the order of their dependence.
inline constexpr std::array<const char*, 4> kServiceNames = {"intake", "routing", "deadline-monitor",
                                                             "notification"};

inline bool IsServiceName(std::string_view name) {
  return std::find(kServiceNames.begin(), kServiceNames.end(), name) != kServiceNames.end();
}

}  // namespace motcua::rpc
