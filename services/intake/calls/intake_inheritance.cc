// How the shards that a jurisdiction has inherited pass to it.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/service/reference_model.h"
#include "services/intake/calls/intake.h"
#include "services/intake/calls/reference_store.h"
#include "services/intake/domain/reference/inheritance.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using reference::v1::ShardPassing;
using store::Caller;
using store::Session;

Task<absl::StatusOr<Inherits>> Intake::LookAtInherited(const Principal* who, const ReferenceState* state,
                                                       CataloguePtr set,
                                                       std::vector<v1::PassingShard>* passing,
                                                       absl::Time deadline) {
  passing->clear();
  const store::Context context(store_.clock().Now(), common::v1::Actor());
  absl::StatusOr<Inherits> inherits = DecideInherits(*state, *set, context.now);
  if (!inherits.ok()) co_return inherits.status();
  for (const ShardPassing& entry : *inherits) {
    Session session(store_, entry.shard());
    absl::StatusOr<ReferenceState> own = co_await LoadReference(session, deadline);
    if (!own.ok()) co_return own.status();
    const auto decided = DecidePass(*own, entry, *inherits, context);
    if (!decided.ok()) co_return decided.status();
    if (own->version() > 0) {
      absl::StatusOr<CataloguePtr> last =
          co_await catalogues_.OfOldVersion(entry.shard(), own->record->manifest(), deadline);
      if (!last.ok()) co_return last.status();
      absl::Status kept = CheckKeepsAgencies(*set, **last);
      if (!kept.ok()) co_return kept;
    }
    if (!decided->has_value()) continue;
    // Nobody takes what is another's: who lets a shard pass has a say on both sides.
    absl::Status allowed = co_await catalogues_.Allow(*who, entry.shard(), CheckJurisdiction, deadline);
    if (!allowed.ok()) co_return errors::Prefixed(allowed, absl::StrCat("inherited shard ", entry.shard()));
    absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(entry.shard(), deadline);
    if (!counters.ok()) co_return counters.status();
    v1::PassingShard& shard = passing->emplace_back();
    shard.set_shard(entry.shard());
    shard.set_since(entry.since());
    shard.set_jurisdiction(own->record != nullptr && own->record->has_passing()
                               ? own->record->passing().jurisdiction()
                               : entry.shard());
    shard.set_open_dossiers(OpenIn(*counters));
  }
  co_return inherits;
}

Task<absl::Status> Intake::PassInherited(std::string jurisdiction, Caller caller) {
  Session session(store_, jurisdiction);
  absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
  if (!state.ok()) co_return state.status();
  if (state->record == nullptr) co_return absl::OkStatus();
  const Inherits inherits = state->record->inherits();
  for (const ShardPassing& entry : inherits) {
    absl::Status passed = co_await Pass(entry, inherits, caller);
    if (!passed.ok()) co_return errors::Prefixed(passed, absl::StrCat("shard ", entry.shard()));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Intake::Pass(ShardPassing passing, Inherits inherits, Caller caller) {
  const std::string shard = passing.shard();
  bool known = false;
  absl::Time not_before = absl::InfinitePast();
  for (int attempt = 0; attempt < store::kMaxAttempts; ++attempt) {
    Session session(store_, shard);
    absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
    if (!state.ok()) co_return state.status();
    const store::Context context(std::max(store_.clock().Now(), not_before), caller.actor,
                                 caller.traceparent);
    auto decision = DecidePass(*state, passing, inherits, context);
    if (!decision.ok()) co_return decision.status();
    if (!decision->has_value()) co_return absl::OkStatus();
    if (!known) {
      absl::Status added = co_await publisher_.AddShard(shard, caller.deadline);
      if (!added.ok()) co_return added;
      known = true;
    }
    session.Apply<service::ReferenceModel>(shard, **std::move(decision));
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) {
      catalogues_.Changed(shard);
      co_return absl::OkStatus();
    }
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
  }
  co_return errors::Aborted("CONFLICT", "others changed the reference data again and again; try again");
}

}  // namespace motcua::intake
