#include "common/service/catalogues.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/reference/pieces.h"
#include "common/reference/validate.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"
#include "common/store/keys.h"
#include "common/time/timestamp.h"

namespace motcua::service {

namespace {

using async::Task;
using reference::v1::ReferenceManifest;

// Read in one go: a megabyte at the most, but for single items that are large.
constexpr size_t kPiecesAtOnce = 16;
// One that inherited may be inherited itself; so many times within the life of a dossier is more than ever
// was.
constexpr int kMostPassings = 8;

absl::Status NotReadYet() {
  return errors::Unavailable(
      "WAITING_FOR_INTAKE",
      "the reference data of the jurisdiction that has the shard have not been read yet");
}

absl::Status Unreadable() {
  return errors::DataLoss("CORRUPT_RECORD", "stored reference data cannot be read");
}

// What is to be compiled, owned by the work that does it.
struct Job {
  std::vector<std::string> pieces;
  uint64_t version = 0;
  bool readable = true;
  CompiledSet result;

  void Do() {
    reference::v1::ReferenceSet set;
    for (std::string& piece : pieces) {
      readable = reference::AppendPiece(piece, set) && readable;
      piece = std::string();
    }
    if (!readable) return;
    result.content = reference::ContentDigest(reference::SplitIntoPieces(set));
    set.set_version(version);
    result.violations = reference::Validate(set);
    if (!result.violations.empty()) return;
    absl::StatusOr<CataloguePtr> compiled = reference::Catalogue::CompileValid(std::move(set));
    if (compiled.ok()) {
      result.catalogue = *std::move(compiled);
    } else {
      result.violations.emplace_back("", std::string(compiled.status().message()));
    }
  }
};

}  // namespace

std::string Catalogues::KeyOf(const ReferenceManifest& manifest) {
  std::string digests = absl::StrCat(manifest.version(), ":");
  for (const reference::v1::PieceRef& piece : manifest.pieces()) digests.append(piece.digest());
  return reference::PieceDigest(digests);
}

Catalogues::Cached& Catalogues::CachedOf(const std::string& shard) {
  std::unique_ptr<Cached>& entry = cached_[shard];
  if (entry == nullptr) entry = std::make_unique<Cached>(loop_);
  return *entry;
}

bool Catalogues::Answers(const Cached& cached, const std::string& shard, uint64_t version) const {
  // The machine's clock, not the service's: freshness is about replicas, not about legal time.
  if (absl::Now() >= cached.checked_at + kFreshness) return false;
  if (authority_.PassingOf(shard) != nullptr) return true;
  return cached.made.catalogue != nullptr && cached.made.catalogue->version() >= version;
}

Task<absl::StatusOr<CataloguePtr>> Catalogues::GetAtLeast(std::string shard, uint64_t version,
                                                          absl::Time deadline) {
  for (int steps = 0; steps < kMostPassings; ++steps) {
    Cached* const cached = &CachedOf(shard);
    if (!Answers(*cached, shard, version)) {
      absl::Status turn = co_await cached->turn.Acquire(deadline);
      if (!turn.ok()) co_return turn;
      const async::SemaphorePermit permit(cached->turn);
      if (!Answers(*cached, shard, version)) {
        absl::Status refreshed = co_await Refresh(cached, shard, absl::Now(), deadline);
        if (errors::Reason(refreshed) == "UNKNOWN_SHARD" && version > 0) co_return NotReadYet();
        if (!refreshed.ok()) co_return refreshed;
      }
    }
    const reference::v1::ShardPassing* passing = authority_.PassingOf(shard);
    if (passing == nullptr) {
      if (cached->made.catalogue->version() < version) co_return NotReadYet();
      co_return cached->made.catalogue;
    }
    version = passing->version();
    shard = passing->jurisdiction();
  }
  co_return errors::DataLoss("CORRUPT_RECORD", "jurisdictions that inherited the shard lead in a circle");
}

Task<absl::StatusOr<ReferenceModel::Record>> Catalogues::ReadRecord(std::string shard, uint64_t* version,
                                                                    absl::Time deadline) {
  std::vector<std::string> keys;
  keys.push_back(store_.Keys(shard).Record(ReferenceModel::kKind, shard));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  ReferenceModel::Record record;
  *version = 0;
  if (!values->front().has_value()) co_return record;
  absl::Status read = store::ReadStored<ReferenceModel>(*values->front(), record, *version);
  if (!read.ok()) co_return errors::Prefixed(read, "reference data");
  co_return record;
}

Task<absl::Status> Catalogues::Refresh(Cached* cached, std::string shard, absl::Time now,
                                       absl::Time deadline) {
  const uint64_t changes = cached->changes;
  // A change that was told of meanwhile may be later than what was read.
  const auto looked = [cached, changes, now] {
    cached->checked_at = cached->changes == changes ? now : absl::InfinitePast();
    cached->learnt_at = cached->checked_at;
  };
  if (cached->record_version != 0) {
    absl::StatusOr<uint64_t> version =
        co_await store_.VersionOf(store_.Keys(shard).Record(ReferenceModel::kKind, shard), deadline);
    if (!version.ok()) co_return version.status();
    // Since, its day may have come.
    const bool passed = authority_.PassingOf(shard) != nullptr;
    if (passed) cached->made = Made();
    if (cached->record_version == *version && (passed || cached->made.catalogue != nullptr)) {
      looked();
      co_return absl::OkStatus();
    }
  }
  uint64_t version = 0;
  absl::StatusOr<ReferenceModel::Record> record = co_await ReadRecord(shard, &version, deadline);
  if (!record.ok()) co_return record.status();
  if (record->has_passing()) authority_.Learn(shard, record->passing());
  if (authority_.PassingOf(shard) != nullptr) {
    cached->made = Made();
    cached->record_version = version;
    looked();
    co_return absl::OkStatus();
  }
  // Pieces may have come already, and no version yet.
  if (!record->has_manifest()) {
    co_return errors::NotFound("UNKNOWN_SHARD", "there is no reference data of this jurisdiction");
  }
  const std::string made_of = KeyOf(record->manifest());
  if (cached->made.catalogue == nullptr || cached->made.key != made_of) {
    Made next;
    next.key = made_of;
    if (cached->expected.key == made_of) {
      next.catalogue = cached->expected.catalogue;
    } else {
      absl::StatusOr<CataloguePtr> made = co_await Make(shard, record->manifest(), nullptr, deadline);
      if (!made.ok()) co_return made.status();
      next.catalogue = *std::move(made);
    }
    cached->made = std::move(next);
  }
  if (cached->expected.key == made_of) cached->expected = Made();
  cached->record_version = version;
  looked();
  co_return absl::OkStatus();
}

Task<absl::Status> Catalogues::LearnOf(std::string shard, absl::Time deadline) {
  Cached* const cached = &CachedOf(shard);
  const absl::Time now = absl::Now();
  if (now < cached->learnt_at + kFreshness) co_return absl::OkStatus();
  const uint64_t changes = cached->changes;
  uint64_t version = 0;
  absl::StatusOr<ReferenceModel::Record> record = co_await ReadRecord(shard, &version, deadline);
  if (!record.ok()) co_return record.status();
  if (record->has_passing()) authority_.Learn(shard, record->passing());
  if (cached->changes == changes) cached->learnt_at = now;
  co_return absl::OkStatus();
}

Task<absl::Status> Catalogues::Allow(const auth::Principal& who, std::string shard, JurisdictionCheck check,
                                     absl::Time deadline) {
  absl::Status allowed = check(who, shard, authority_);
  const std::string own = store::ShardOf(who.agency);
  if (allowed.ok() || own.empty() || shard.empty()) co_return allowed;
  // Where one that inherited was inherited itself, a look leads to the next.
  for (int steps = 0; steps < kMostPassings; ++steps) {
    const std::string jurisdiction(authority_.JurisdictionOf(shard));
    const std::string of_caller(authority_.JurisdictionOf(own));
    absl::Status learnt = co_await LearnOf(jurisdiction, deadline);
    if (learnt.ok()) learnt = co_await LearnOf(of_caller, deadline);
    if (!learnt.ok()) co_return learnt;
    if (authority_.JurisdictionOf(shard) == jurisdiction && authority_.JurisdictionOf(own) == of_caller)
      break;
  }
  co_return check(who, shard, authority_);
}

Task<absl::StatusOr<CataloguePtr>> Catalogues::Of(store::Session& session, absl::Time deadline) {
  const std::string shard = session.keys().shard();
  const ReferenceModel::Record* record = session.Find<ReferenceModel>(shard);
  if (record != nullptr && record->has_passing() &&
      time::FromTimestamp(record->passing().begins_at()) <= store_.clock().Now()) {
    co_return co_await GetAtLeast(record->passing().jurisdiction(), record->passing().version(), deadline);
  }
  if (record == nullptr || !record->has_manifest()) {
    co_return co_await Get(shard, deadline);
  }
  Cached* const cached = &CachedOf(shard);
  const std::string made_of = KeyOf(record->manifest());
  if (cached->made.key == made_of) co_return cached->made.catalogue;
  if (cached->expected.key == made_of) co_return cached->expected.catalogue;
  absl::StatusOr<CataloguePtr> made = co_await Make(shard, record->manifest(), &session, deadline);
  if (!made.ok()) co_return made.status();
  cached->expected.key = made_of;
  cached->expected.catalogue = *made;
  co_return *std::move(made);
}

Task<absl::StatusOr<CataloguePtr>> Catalogues::OfOldVersion(std::string shard, ReferenceManifest manifest,
                                                            absl::Time deadline) {
  const std::string made_of = KeyOf(manifest);
  if (old_shard_ == shard && old_.key == made_of) co_return old_.catalogue;
  absl::StatusOr<CataloguePtr> made = co_await Make(shard, std::move(manifest), nullptr, deadline);
  if (!made.ok()) co_return made.status();
  old_shard_ = shard;
  old_.key = made_of;
  old_.catalogue = *made;
  co_return *std::move(made);
}

void Catalogues::Changed(const std::string& shard) {
  auto found = cached_.find(shard);
  if (found == cached_.end()) return;
  ++found->second->changes;
  found->second->checked_at = absl::InfinitePast();
  found->second->learnt_at = absl::InfinitePast();
}

void Catalogues::Committed(const std::string& shard, absl::Span<const feed::v1::Event* const> events) {
  const bool reference = std::any_of(events.begin(), events.end(),
                                     [](const feed::v1::Event* event) { return IsOfReference(*event); });
  if (reference) Changed(shard);
}

void Catalogues::Expect(const std::string& shard, const ReferenceManifest& manifest, CataloguePtr catalogue) {
  Cached& cached = CachedOf(shard);
  cached.expected.key = KeyOf(manifest);
  cached.expected.catalogue = std::move(catalogue);
}

Task<absl::StatusOr<CataloguePtr>> Catalogues::Make(std::string shard, ReferenceManifest manifest,
                                                    store::Session* session, absl::Time deadline) {
  std::vector<std::string> digests;
  for (const reference::v1::PieceRef& piece : manifest.pieces()) digests.push_back(piece.digest());
  absl::StatusOr<std::vector<std::string>> pieces =
      co_await ReadPieces(std::move(shard), std::move(digests), session, deadline);
  if (!pieces.ok()) co_return pieces.status();
  CompiledSet compiled = co_await Compile(*std::move(pieces), manifest.version());
  if (compiled.catalogue != nullptr) co_return std::move(compiled.catalogue);
  if (compiled.violations.empty()) co_return Unreadable();
  co_return errors::DataLoss("CORRUPT_RECORD",
                             absl::StrCat("stored reference data: ", compiled.violations[0].path, ": ",
                                          compiled.violations[0].description));
}

Task<absl::StatusOr<std::vector<std::string>>> Catalogues::ReadPieces(std::string shard,
                                                                      std::vector<std::string> digests,
                                                                      store::Session* session,
                                                                      absl::Time deadline) {
  const store::Keyspace keyspace = store_.Keys(shard);
  std::vector<std::string> pieces;
  pieces.reserve(digests.size());
  for (size_t first = 0; first < digests.size(); first += kPiecesAtOnce) {
    const size_t end = std::min(digests.size(), first + kPiecesAtOnce);
    std::vector<std::string> keys;
    std::vector<size_t> places;
    for (size_t i = first; i < end; ++i) {
      const std::string name = PieceName(digests[i]);
      const PieceModel::Record* held = session == nullptr ? nullptr : session->Find<PieceModel>(name);
      pieces.push_back(held == nullptr ? std::string() : held->data());
      if (held != nullptr) continue;
      keys.push_back(keyspace.Record(PieceModel::kKind, name));
      places.push_back(i);
    }
    if (keys.empty()) continue;
    absl::StatusOr<std::vector<std::optional<std::string>>> values =
        co_await store_.Get(std::move(keys), deadline);
    if (!values.ok()) co_return values.status();
    for (size_t i = 0; i < places.size(); ++i) {
      if (!(*values)[i].has_value()) co_return Unreadable();
      uint64_t version = 0;
      PieceModel::Record record;
      absl::Status read = store::ReadStored<PieceModel>(*(*values)[i], record, version);
      if (!read.ok()) co_return errors::Prefixed(read, "reference data");
      pieces[places[i]] = std::move(*record.mutable_data());
    }
  }
  co_return pieces;
}

Task<CompiledSet> Catalogues::Compile(std::vector<std::string> pieces, uint64_t version) {
  ++compiled_;
  auto job = std::make_shared<Job>();
  job->pieces = std::move(pieces);
  job->version = version;
  absl::AnyInvocable<void()> work = [job] { job->Do(); };
  co_await aside_.Run(std::move(work));
  CompiledSet result = std::move(job->result);
  if (result.catalogue != nullptr) result.catalogue = aside_.DroppedAside(std::move(result.catalogue));
  co_return result;
}

}  // namespace motcua::service
