// A small valid set with something of every kind of data.
#pragma once

namespace motcua::reference {

// The tests cite its line numbers, counted from its first line.
inline constexpr char kSmallSet[] = R"(jurisdiction:
  id: H30
  name: Hau Giang
  time_zone: Asia/Ho_Chi_Minh
  default_calendar: vn
  channels: [{id: direct, kind: direct}, {id: online, kind: online}]
agencies:
  - {id: H30, name: Province, level: province}
  - {id: H30.18, name: District, level: district, parent: H30}
  - {id: H30.18.05, name: Commune, level: commune, parent: H30.18, calendar: desk, email: a@example.org}
officers:
  - {id: an, name: An, agency: H30.18.05, roles: [intake, handler], email: an@example.org}
  - {id: binh, name: Binh, agency: H30.18, roles: [leader]}
calendars:
  - id: vn
    week:
      - {weekday: 1, sessions: ["07:00-11:30", "13:30-17:00"]}
      - {weekday: 2, sessions: ["07:00-11:30", "13:30-17:00"]}
    days:
      - {date: 2025-04-30, kind: holiday}
      - {date: 2025-04-26, kind: makeup-work}
  - {id: desk, base: vn, minutes_per_day: 240}
ladders:
  - id: default
    rungs:
      - {kind: NEARING, offset: 1wd, audience: [holder]}
      - {kind: OVERDUE, audience: [holder, holder-leader]}
templates:
  - {event: Nearing, audience: holder, language: vi, subject: "{{code}}", body: "{{#due}}{{due}}{{/due}}"}
procedures:
  - code: "1.013992"
    name: Land use
    valid_from: 2024-01-01
    valid_until: 2027-01-01
    limit: 10wd
    cutoff: "15:00"
    competent: H30.18
    receivable_at: [commune]
    components: [Form]
    legs:
      - {id: intake, name: Intake, agency: "@receiving", limit: 1wd}
      - {id: sign, name: Sign, agency: "@competent", limit: 9wd}
)";

}  // namespace motcua::reference
