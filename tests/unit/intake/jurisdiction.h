// A small jurisdiction for tests of intake.
#pragma once

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "common/reference/catalogue.h"
#include "common/reference/loader.h"

namespace motcua::intake::test {

inline constexpr char kJurisdiction[] = R"yaml(
jurisdiction: {id: H30, name: Test province, default_calendar: office}
agencies:
  - {id: H30, name: Province, level: province, kind: committee}
  - {id: H30.18, name: District, level: district, parent: H30, kind: committee}
  - {id: H30.18.05, name: Commune five, level: commune, parent: H30.18, kind: one-stop}
  - {id: H30.18.06, name: Commune six, level: commune, parent: H30.18, kind: one-stop}
  - {id: H30.18.07, name: Commune seven, level: commune, parent: H30.18, kind: one-stop, valid_until: 2025-03-01, successor: H30.18.05}
  - {id: H30.18.LR, name: Land registry, level: district, parent: H30.18, kind: land-registry}
officers:
  - {id: an, name: An, agency: H30.18.05, roles: [intake]}
procedures:
  - {code: "1.000001", name: Simple, limit: 3wd, competent: "@receiving", components: [Form, Proof]}
  - code: "1.000002"
    name: Interlinked
    limit: 10wd
    competent: "@parent"
    receivable_at: [commune]
    counted_from_window_days: 5
    max_supplements: 2
    ladder: strict
    pause_policy: restart
    legs:
      - {id: check, name: Check, agency: "@receiving", limit: 2wd}
      - {id: survey, name: Survey, agency: H30.18.LR, limit: 3wd}
      - {id: sign, name: Sign, agency: "@competent", limit: 5wd}
  - {code: "1.000003", name: Abolished, limit: 5wd, competent: "@receiving", valid_until: 2025-02-01}
  - {code: "1.000004", name: Handed on, limit: 5wd, competent: H30.18.07}
  - {code: "1.000005", name: At the top, limit: 5wd, competent: "@parent"}
calendars:
  - id: office
    name: Office
    week:
      - {weekday: 1, sessions: ["07:00-11:30", "13:30-17:00"]}
      - {weekday: 2, sessions: ["07:00-11:30", "13:30-17:00"]}
      - {weekday: 3, sessions: ["07:00-11:30", "13:30-17:00"]}
      - {weekday: 4, sessions: ["07:00-11:30", "13:30-17:00"]}
      - {weekday: 5, sessions: ["07:00-11:30", "13:30-17:00"]}
ladders:
  - id: strict
    rungs: [{kind: OVERDUE, audience: [holder]}]
)yaml";

inline reference::v1::ReferenceSet JurisdictionSet() {
  const reference::YamlText text = {"jurisdiction.yaml", kJurisdiction};
  const reference::LoadResult loaded = reference::LoadTexts(absl::MakeConstSpan(&text, 1));
  if (!loaded.ok()) {
    std::cerr << loaded.status() << std::endl;
    std::abort();
  }
  return loaded.set;
}

inline std::shared_ptr<const reference::Catalogue> CompileJurisdiction(uint64_t version = 7) {
  reference::v1::ReferenceSet set = JurisdictionSet();
  set.set_version(version);
  auto catalogue = reference::Catalogue::Compile(std::move(set));
  if (!catalogue.ok()) {
    std::cerr << catalogue.status() << std::endl;
    std::abort();
  }
  return *std::move(catalogue);
}

// A local time of the jurisdiction.
inline absl::Time Local(int year, int month, int day, int hour, int minute) {
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, 0), absl::FixedTimeZone(7 * 3600));
}

}  // namespace motcua::intake::test
