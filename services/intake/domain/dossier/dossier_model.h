// What the store must know of dossiers: where they are listed and what they count for. Names of indexes and
// counters are here and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "common/store/decision.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/reference/reference_change.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;
using common::v1::DossierStatus;

// Records of dossiers, under their codes. A record is kept compact: `version` is the store's, `submitted_at`
// is unset where it equals `code_issued_at`, `due` where it equals `original_due` (see ViewOf).
struct DossierModel {
  using Record = internal::intake::DossierRecord;
  static constexpr std::string_view kKind = "d";
  static void IndexesOf(const Record& record, store::IndexSink& indexes);
  static void CountersOf(const Record& record, store::CounterSink& counters);
};

// Dossiers of a receiving agency, all or of one status (UNSPECIFIED = all), scored by the microsecond of the
// code's issue. Members are the codes without the agency, which is the index's.
std::string AgencyIndex(std::string_view agency, DossierStatus status);

// The counter, of group kOpenByVersion in a shard, of open dossiers there that were received under that
// version of the jurisdiction's reference data.
std::string OpenCounter(std::string_view jurisdiction, std::string_view shard, uint64_t version);

// How many dossiers of a shard have not ended, from the shard's counters of no group.
uint64_t OpenIn(const store::Counters& counters);

// Exact counts over all dossiers of a jurisdiction, from the store's counters.
v1::GetStatisticsResponse StatisticsFrom(const store::Counters& counters);

}  // namespace motcua::intake
