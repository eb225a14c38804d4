// What Store knows and tells of the definitions of shards.
#include "common/store/shard_definitions.h"

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/store/store.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;
using Steady = ShardDefinitions::Steady;

// The phase goes on at most so often while it is being read.
constexpr int kMaxAttempts = 8;

absl::Status Upgraded(uint16_t program, uint16_t shard) {
  errors::Metadata metadata;
  metadata.emplace_back("definition", absl::StrCat(shard));
  metadata.emplace_back("known", absl::StrCat(program));
  return errors::Unavailable("SHARD_UPGRADED",
                             "a newer version of the service has taken this jurisdiction over; try again",
                             metadata);
}

}  // namespace

absl::Status Store::MayWrite(const Phase& phase) const {
  return phase.WritableBy(definition_.number) ? absl::OkStatus() : Upgraded(definition_.number, phase.to);
}

Task<absl::StatusOr<Phase>> Store::LearnPhase(std::string shard, absl::Time deadline) {
  const std::string key = Keys(shard).Definition();
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const Steady::time_point sent = Steady::now();
    const uint64_t epoch = cache_->epoch();
    Command get("GET");
    get.Arg(key);
    absl::StatusOr<Reply> reply = co_await Ask(std::move(get), deadline);
    if (!reply.ok()) co_return reply.status();
    if (reply->is_nil()) {
      Command first("SET");
      first.Arg(key).Arg(Phase(definition_.number).ToString()).Arg("NX");
      reply = co_await Ask(std::move(first), deadline);
      if (!reply.ok()) co_return reply.status();
      continue;
    }
    const std::optional<Phase> phase = Phase::Parse(reply->text());
    if (!phase.has_value()) {
      co_return errors::DataLoss("CORRUPT_RECORD", "the number of a definition cannot be read");
    }
    if (phase->to >= definition_.number) {
      if (epoch == cache_->epoch()) definitions_->Learn(shard, *phase, sent);
      co_return *phase;
    }
    absl::Status begun = co_await BeginBuild(shard, *phase, deadline);
    if (!begun.ok()) co_return begun;
  }
  co_return errors::Unavailable("SHARD_BEING_UPGRADED", "the lists are changing over; try again");
}

Task<absl::Status> Store::BeginBuild(std::string shard, Phase from, absl::Time deadline) {
  if (from.to + 1 != definition_.number || from.step == Phase::Step::kBuilding) {
    errors::Metadata metadata;
    metadata.emplace_back("definition", from.ToString());
    metadata.emplace_back("known", absl::StrCat(definition_.number));
    co_return errors::FailedPrecondition(
        "UPGRADE_SKIPS_DEFINITION",
        "the lists are of too old a definition: install the version in between first, until it has finished",
        metadata);
  }
  if (from.step == Phase::Step::kBuilt) {
    co_return errors::Unavailable("SHARD_BEING_UPGRADED", "the lists are changing over; try again");
  }
  absl::StatusOr<bool> moved = co_await MovePhase(
      std::move(shard), from, Phase(definition_.number, Phase::Step::kBuilding, from.to), deadline);
  co_return moved.status();
}

Task<absl::StatusOr<bool>> Store::MovePhase(std::string shard, Phase from, Phase to, absl::Time deadline) {
  Transaction move(Keys(shard));
  move.CheckPhase(from.ToString());
  move.SetText(Keys(shard).Definition(), to.ToString());
  if (to.step == Phase::Step::kBuilding || to.step == Phase::Step::kSteady) {
    // Of an earlier build; of this one.
    move.SetText(Keys(shard).Progress(), "");
  }
  absl::StatusOr<Reply> reply = co_await redis_.Eval(move.CallOf(CommitScript()), deadline);
  if (!reply.ok()) co_return reply.status();
  definitions_->Forget(shard);
  co_return !reply->text().empty() && reply->text()[0] == 'O';
}

uint16_t Store::KnownToRead(std::string_view shard, std::string_view name) const {
  const ShardDefinitions::Known* known = definitions_->Find(shard);
  if (known == nullptr || Steady::now() - known->confirmed > absl::ToChronoNanoseconds(lease_ / 2)) return 0;
  const uint16_t definition = known->phase.ReadBy(definition_.number);
  return definition == definition_.number || !definition_.IsAdded(name) ? definition : uint16_t{0};
}

Task<absl::StatusOr<uint16_t>> Store::LearnToRead(std::string shard, std::string name, absl::Time deadline) {
  absl::StatusOr<Phase> phase = co_await LearnPhase(std::move(shard), deadline);
  if (!phase.ok()) co_return phase.status();
  const uint16_t definition = phase->ReadBy(definition_.number);
  if (definition == 0) co_return Upgraded(definition_.number, phase->to);
  if (definition != definition_.number && definition_.IsAdded(name)) {
    co_return errors::Unavailable("LIST_BEING_BUILT", "this list is new and is being built; try again later");
  }
  co_return definition;
}

bool Store::WasMaintained(std::string_view shard, uint16_t definition) const {
  const ShardDefinitions::Known* known = definitions_->Find(shard);
  return known != nullptr && known->phase.Maintains(definition) &&
         Steady::now() - known->confirmed <= absl::ToChronoNanoseconds(lease_);
}

Task<absl::StatusOr<bool>> Store::LearnMaintained(std::string shard, uint16_t definition,
                                                  absl::Time deadline) {
  absl::StatusOr<Phase> phase = co_await LearnPhase(std::move(shard), deadline);
  if (!phase.ok()) co_return phase.status();
  co_return phase->Maintains(definition);
}

}  // namespace motcua::store
