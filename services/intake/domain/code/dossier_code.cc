#include "services/intake/domain/code/dossier_code.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/status/errors.h"

namespace motcua::intake {
namespace {

constexpr uint64_t kLastSequence = 9'999'999;

bool IsDigits(const std::string& text, size_t length) {
  if (text.size() != length) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool IsZeros(const std::string& text) { return text.find_first_not_of('0') == std::string::npos; }

}  // namespace

std::string NormalAgencyId(std::string_view id) {
  std::string text(id);
  std::vector<std::string> groups = absl::StrSplit(text, '.');
  if (groups.size() != 4 || !IsDigits(groups[0], 3) || !IsDigits(groups[1], 2) || !IsDigits(groups[2], 2))
    return text;
  // Read from the right; zeros to the left of the last group that says something are padding.
  size_t last = 0;
  while (last < 3 && IsZeros(groups[last])) ++last;
  std::string normal = groups[3];
  for (size_t i = 3; i-- > last;) absl::StrAppend(&normal, ".", groups[i]);
  return normal;
}

std::string NormalDossierCode(std::string_view code) {
  const size_t hyphen = code.find('-');
  if (hyphen == std::string_view::npos) return std::string(code);
  return NormalAgencyId(code.substr(0, hyphen)) + std::string(code.substr(hyphen));
}

std::string DayStamp(absl::CivilDay day) {
  return absl::StrFormat("%02d%02d%02d", day.year() % 100, day.month(), day.day());
}

absl::StatusOr<std::string> ComposeCode(std::string_view agency, absl::CivilDay day, uint64_t sequence) {
  if (sequence > kLastSequence) {
    return errors::ResourceExhausted("CODE_SPACE_EXHAUSTED",
                                     "the agency has used all dossier numbers of the day");
  }
  return absl::StrFormat("%s-%s-%04d", std::string(agency), DayStamp(day), sequence);
}

std::string_view AgencyOfCode(std::string_view code) { return code.substr(0, code.find('-')); }

std::string_view TailOfCode(std::string_view code) {
  const size_t hyphen = code.find('-');
  return hyphen == std::string_view::npos ? std::string_view() : code.substr(hyphen + 1);
}

}  // namespace motcua::intake
