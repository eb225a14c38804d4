#include "common/reference/zone.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace motcua::reference {
namespace {

// The loader beneath would open any file for names such as `/etc/passwd` or `file:...`.
bool IsIanaName(absl::string_view name) {
  return name.size() <= 64 && absl::ascii_isupper(name[0]) && !absl::StrContains(name, "//") &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '/' || c == '_' || c == '-' || c == '+';
         });
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name) {
  if (name.empty()) name = kDefaultTimeZone;
  absl::TimeZone zone;
  if (IsIanaName(name) && absl::LoadTimeZone(name, &zone)) return zone;
  if (name == kDefaultTimeZone) return absl::FixedTimeZone(7 * 60 * 60);
  return absl::InvalidArgumentError(absl::StrCat("unknown time zone \"", name.substr(0, 64), "\""));
}

}  // namespace motcua::reference
