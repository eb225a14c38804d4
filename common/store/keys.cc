#include "common/store/keys.h"

#include <charconv>

namespace motcua::store {

void Keyspace::AppendSuffix(std::string& out, char letter, uint16_t definition, std::string_view name) {
  char digits[8];
  const char* end = std::to_chars(digits, digits + sizeof(digits), definition).ptr;
  out.push_back(letter);
  out.append(digits, static_cast<size_t>(end - digits));
  // Every index has a name; counters without one are of no group.
  if (letter == 'n' && name.empty()) return;
  out.push_back(':');
  out.append(name);
}

std::string ShardOf(std::string_view code) {
  const std::string_view agency = code.substr(0, code.find('-'));
  auto is_top = [](std::string_view part) {
    return part.size() == 3 && part[0] >= 'A' && part[0] <= 'Z' && part[1] >= '0' && part[1] <= '9' &&
           part[2] >= '0' && part[2] <= '9';
  };
  const std::string_view first = agency.substr(0, agency.find('.'));
  if (is_top(first)) return std::string(first);
  const size_t dot = agency.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? agency : agency.substr(dot + 1);
  return is_top(last) ? std::string(last) : std::string();
}

}  // namespace motcua::store
