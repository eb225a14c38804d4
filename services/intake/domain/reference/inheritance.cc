#include "services/intake/domain/reference/inheritance.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/time/iso.h"
#include "common/time/timestamp.h"
#include "motcua/internal/reference/records.pb.h"

namespace motcua::intake {

using reference::v1::ShardPassing;
using RecordOfReference = internal::reference::ReferenceRecord;

namespace {

const ShardPassing* Find(const Inherits& inherits, const std::string& shard) {
  for (const ShardPassing& passing : inherits) {
    if (passing.shard() == shard) return &passing;
  }
  return nullptr;
}

absl::Status Taken(const std::string& shard, const std::string& jurisdiction, std::string_view message) {
  errors::Metadata metadata;
  metadata.emplace_back("shard", shard);
  metadata.emplace_back("jurisdiction", jurisdiction);
  return errors::FailedPrecondition("SHARD_TAKEN", message, metadata);
}

}  // namespace

absl::StatusOr<Inherits> DecideInherits(const ReferenceState& state, const reference::Catalogue& next,
                                        absl::Time now) {
  static const Inherits kNone;
  const Inherits& before = state.record == nullptr ? kNone : state.record->inherits();
  errors::Violations violations;
  Inherits inherits;
  const auto& entries = next.set().jurisdiction().inherited();
  for (int i = 0; i < entries.size(); ++i) {
    ShardPassing& passing = *inherits.Add();
    passing.set_shard(entries[i].shard());
    passing.set_jurisdiction(next.id());
    passing.set_since(entries[i].since());
    const absl::StatusOr<absl::CivilDay> day = time::ParseDate(entries[i].since());
    if (!day.ok()) return day.status();  // a valid set has none
    *passing.mutable_begins_at() = time::ToTimestamp(absl::FromCivil(*day, next.time_zone()));
    passing.set_version(state.version() + 1);
    const ShardPassing* known = Find(before, passing.shard());
    if (known == nullptr) continue;
    if (known->since() == passing.since()) {
      passing = *known;
    } else if (time::FromTimestamp(known->begins_at()) <= now) {
      violations.Add(absl::StrCat("set.jurisdiction.inherited[", i, "].since"), "REFERENCE_INVALID",
                     absl::StrCat("was ", known->since(), " and has come: it stays"));
    }
  }
  for (const ShardPassing& known : before) {
    if (Find(inherits, known.shard()) != nullptr) continue;
    violations.Add("set.jurisdiction.inherited", "REFERENCE_INVALID",
                   absl::StrCat(known.shard(), " is missing: what was inherited stays"));
  }
  if (!violations.empty()) return violations.ToStatus("REFERENCE_INVALID");
  return inherits;
}

absl::Status CheckNotInherited(const ReferenceState& state) {
  if (state.record == nullptr || !state.record->has_passing()) return absl::OkStatus();
  const ShardPassing& passing = state.record->passing();
  errors::Metadata metadata;
  metadata.emplace_back("jurisdiction", passing.jurisdiction());
  metadata.emplace_back("since", passing.since());
  return errors::FailedPrecondition("SHARD_INHERITED",
                                    absl::StrCat("the shard is inherited by ", passing.jurisdiction(),
                                                 ": its reference data are those of that one"),
                                    metadata);
}

absl::Status CheckKeepsAgencies(const reference::Catalogue& next, const reference::Catalogue& own) {
  errors::Violations violations;
  for (const reference::v1::Agency* agency : own.agencies()) {
    if (next.FindAgency(agency->id()) != nullptr) continue;
    violations.Add(
        "set.agencies", "REFERENCE_INVALID",
        absl::StrCat(agency->id(), " of the inherited shard ", own.id(), " is missing: codes are for ever"));
  }
  return violations.empty() ? absl::OkStatus() : violations.ToStatus("REFERENCE_INVALID");
}

absl::StatusOr<std::optional<store::Decision<RecordOfReference>>> DecidePass(const ReferenceState& state,
                                                                             const ShardPassing& passing,
                                                                             const Inherits& inherits,
                                                                             const store::Context& context) {
  RecordOfReference next;
  if (state.record != nullptr) next = *state.record;
  if (next.has_passing()) {
    const ShardPassing& known = next.passing();
    if (known.jurisdiction() == passing.jurisdiction() && known.since() == passing.since())
      return std::nullopt;
    if (known.jurisdiction() != passing.jurisdiction() && Find(inherits, known.jurisdiction()) == nullptr) {
      return Taken(passing.shard(), known.jurisdiction(),
                   absl::StrCat("inherited: ", passing.shard(), " is inherited by ", known.jurisdiction()));
    }
  }
  for (const ShardPassing& own : next.inherits()) {
    if (Find(inherits, own.shard()) != nullptr) continue;
    return Taken(
        own.shard(), passing.shard(),
        absl::StrCat("inherited: ", own.shard(), ", which ", passing.shard(), " has inherited, is missing"));
  }
  *next.mutable_passing() = passing;
  store::Decision<RecordOfReference> decision(std::move(next));
  feed::v1::Event event = store::NewEvent(context, passing.shard());
  *event.mutable_shard_passed()->mutable_passing() = passing;
  decision.events.push_back(std::move(event));
  common::v1::HistoryEntry line;
  line.set_action("ShardPassed");
  *line.mutable_at() = time::ToTimestamp(context.now);
  *line.mutable_actor() = context.actor;
  line.set_note(absl::StrCat(passing.jurisdiction(), " since ", passing.since()));
  decision.history.push_back(std::move(line));
  return decision;
}

}  // namespace motcua::intake
