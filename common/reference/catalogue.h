// An immutable, compiled view of one jurisdiction's reference data: the questions that services ask of it.
//
// Thread-safety: immutable after Compile; share freely between threads. All pointers and references point
// into the catalogue and live as long as it. Usage:
//
//   auto catalogue = Catalogue::Compile(set);            // StatusOr<std::shared_ptr<const Catalogue>>
//   const v1::Procedure* procedure = (*catalogue)->ProcedureInForce("1.001193", day);
//   const time::Calendar& calendar = (*catalogue)->CalendarOf("H30.18.05");
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/time/calendar.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

class Catalogue {
 public:
  // Validates and compiles. INVALID_ARGUMENT with one line per violation (`path: reason`).
  static absl::StatusOr<std::shared_ptr<const Catalogue>> Compile(v1::ReferenceSet set);

  // The same for a set that Validate finds no fault with.
  static absl::StatusOr<std::shared_ptr<const Catalogue>> CompileValid(v1::ReferenceSet set);

  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  const v1::ReferenceSet& set() const { return set_; }
  // The jurisdiction's id.
  const std::string& id() const { return set_.jurisdiction().id(); }
  // The shards that it has, its own first, then those that it has inherited (or will, on the day that each
  // says).
  const std::vector<std::string>& shards() const { return shards_; }
  // Those of them that it has on that day.
  std::vector<std::string> ShardsOn(absl::CivilDay day) const;
  uint64_t version() const { return set_.version(); }
  // Of the set when it is serialized.
  size_t bytes() const { return bytes_; }
  const absl::TimeZone& time_zone() const { return zone_; }
  // The local day of an instant.
  absl::CivilDay DayOf(absl::Time t) const { return absl::ToCivilDay(t, zone_); }

  // All of a kind, by id; procedures by ProcedureKey.
  const std::vector<const v1::Agency*>& agencies() const { return agencies_by_id_; }
  const std::vector<const v1::Officer*>& officers() const { return officers_by_id_; }
  const std::vector<const v1::Procedure*>& procedures() const { return procedures_by_key_; }
  const std::vector<const v1::Calendar*>& calendars() const { return calendars_by_id_; }
  // Tells the versions of a code apart: the earlier one comes first.
  static std::string ProcedureKey(const v1::Procedure& procedure);

  // nullptr where there is none of that id.
  const v1::Agency* FindAgency(absl::string_view id) const;
  const v1::Officer* FindOfficer(absl::string_view id) const;

  // The officers of an agency that have the role (any role where `role` is empty), in the set's order.
  std::vector<const v1::Officer*> OfficersOf(absl::string_view agency, absl::string_view role = {}) const;

  // The agencies above, nearest first, the root last. Empty for a root or an unknown agency.
  std::vector<const v1::Agency*> AgenciesAbove(absl::string_view agency) const;

  // Whether the agency exists on that day.
  static bool IsInForce(const v1::Agency& agency, absl::CivilDay day);
  // The same of a version of a procedure.
  static bool IsInForce(const v1::Procedure& procedure, absl::CivilDay day);

  // The agency that does its work on that day: itself, or its successor, or the successor's successor ...;
  // the last of them where even that one has ended. nullptr where the id is unknown.
  const v1::Agency* AgencyInCharge(absl::string_view id, absl::CivilDay day) const;
  // The id of that agency on the local day of `now`; `id` itself where it is unknown. One look-up at the
  // most, unless the agency has a successor.
  absl::string_view InChargeAt(absl::string_view id, absl::Time now) const;

  // Whose work the agency does on that day: its own, first, and that of those that have ended and whose
  // successor it is, directly or through others. Empty where it has ended itself and was succeeded; an
  // unknown agency does its own.
  std::vector<std::string> WorksFor(absl::string_view id, absl::CivilDay day) const;
  // Agencies that have ended by that day and were succeeded, by id.
  std::vector<const v1::Agency*> SucceededBy(absl::CivilDay day) const;

  // The version of the procedure in force on the day; nullptr where there is none.
  const v1::Procedure* ProcedureInForce(absl::string_view code, absl::CivilDay day) const;
  // The last one in the set, in force or not; nullptr for an unknown code.
  const v1::Procedure* AnyProcedure(absl::string_view code) const;
  // Whether any version of the code exists: tells "unknown" from "not in force".
  bool HasProcedure(absl::string_view code) const { return procedures_.contains(code); }

  // The agency's own calendar, or the jurisdiction's default (for an unknown agency, too).
  const time::Calendar& CalendarOf(absl::string_view agency) const;
  const time::Calendar& default_calendar() const { return *default_calendar_; }

  // The kind of a channel; the channels `direct`, `online`, `postal` where the jurisdiction names none.
  // UNSPECIFIED for an unknown one.
  common::v1::ChannelKind ChannelKindOf(absl::string_view channel) const;

  // The agency that a route leg or a competence names: an id, `@receiving`, `@parent` (of the receiving
  // agency) or `@competent` (of the procedure). NOT_FOUND where no agency answers to it.
  absl::StatusOr<const v1::Agency*> ResolveAgency(absl::string_view word, absl::string_view receiving,
                                                  const v1::Procedure& procedure) const;

  // The ladder that a procedure names, or `default`; nullptr where there is none (nobody is warned then).
  const v1::AlertLadder* LadderOf(const v1::Procedure& procedure) const;
  const v1::AlertLadder* FindLadder(absl::string_view id) const;

  // The rungs of a ladder that fit a limit: of each kind those with the highest from_limit_tenths that the
  // limit reaches. A calendar day counts as a working day here, and eight working hours do.
  static std::vector<const v1::AlertRung*> RungsFor(const v1::AlertLadder& ladder,
                                                    const common::v1::Limit& limit);

  // The text in the language, else in Vietnamese, else nullptr.
  const v1::MessageTemplate* FindTemplate(absl::string_view event, absl::string_view audience,
                                          absl::string_view language) const;

 private:
  Catalogue() = default;
  absl::Status CompileCalendars();
  void IndexEverything();

  v1::ReferenceSet set_;
  size_t bytes_ = 0;
  std::vector<std::string> shards_;
  std::vector<const v1::Agency*> agencies_by_id_;
  std::vector<const v1::Officer*> officers_by_id_;
  std::vector<const v1::Procedure*> procedures_by_key_;
  std::vector<const v1::Calendar*> calendars_by_id_;
  absl::TimeZone zone_;
  absl::flat_hash_map<absl::string_view, const v1::Agency*> agencies_;
  // Those whose direct successor an agency is.
  absl::flat_hash_map<absl::string_view, std::vector<const v1::Agency*>> predecessors_;
  absl::flat_hash_map<absl::string_view, const v1::Officer*> officers_;
  absl::flat_hash_map<absl::string_view, std::vector<const v1::Officer*>> officers_of_;
  absl::flat_hash_map<absl::string_view, std::vector<const v1::Procedure*>> procedures_;
  absl::flat_hash_map<absl::string_view, const v1::AlertLadder*> ladders_;
  absl::flat_hash_map<std::string, const v1::MessageTemplate*> templates_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<const time::Calendar>> calendars_;
  const time::Calendar* default_calendar_ = nullptr;
};

}  // namespace motcua::reference
