// Mã số hồ sơ: `{agency id}-{yymmdd of receipt}-{sequence in that day}` (Circular 01/2018/TT-VPCP, form 01).
//
// Agency ids come in two forms: that of Decision 20/2020/QĐ-TTg, top first (`H30.18.05`), and that of QCVN
// 102:2016, top last and padded with zeros (`000.05.18.H30`). Motcua keeps the former; the latter is
// understood on input. All functions are pure and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"

namespace motcua::intake {

// `H30.18.05` of `000.05.18.H30`; any other text as it is.
std::string NormalAgencyId(std::string_view id);

// The same for the agency's part of a dossier code.
std::string NormalDossierCode(std::string_view code);

// `260714`.
std::string DayStamp(absl::CivilDay day);

// The sequence has four digits and widens up to seven where a day needs more.
// RESOURCE_EXHAUSTED (CODE_SPACE_EXHAUSTED) past 9,999,999.
absl::StatusOr<std::string> ComposeCode(std::string_view agency, absl::CivilDay day, uint64_t sequence);

// The agency's part of a normal code, and what follows the hyphen behind it.
std::string_view AgencyOfCode(std::string_view code);
std::string_view TailOfCode(std::string_view code);

}  // namespace motcua::intake
