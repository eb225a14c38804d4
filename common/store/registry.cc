#include "common/store/registry.h"

namespace motcua::store {

namespace {

constexpr size_t kDigits = 2;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void Registry::AppendGroup(std::string& out, std::string_view id) {
  const size_t size = id.size();
  if (size > kDigits && IsDigit(id[size - 1]) && IsDigit(id[size - 2])) {
    out.append(id.substr(0, size - kDigits)).push_back('#');
  } else {
    out.append(id).push_back('=');
  }
}

void Registry::AppendIds(std::string_view group, std::vector<std::string>& ids) {
  if (group.empty()) return;
  const std::string_view stem = group.substr(0, group.size() - 1);
  if (group.back() != '#') {
    ids.emplace_back(stem);
    return;
  }
  for (char tens = '0'; tens <= '9'; ++tens) {
    for (char ones = '0'; ones <= '9'; ++ones) {
      std::string& id = ids.emplace_back(stem);
      id.push_back(tens);
      id.push_back(ones);
    }
  }
}

}  // namespace motcua::store
