#include "common/store/keys.h"

namespace motcua::store {

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
