// Áp dụng dữ liệu danh mục: reference data as intake owns it, with its uploads and older versions.
//
// Pure and thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/violation.h"
#include "common/store/decision.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/reference/records.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::intake {

// An upload to which nothing is added for so long is dropped.
inline constexpr absl::Duration kUploadLife = absl::Hours(24);
inline constexpr int kMostUploads = 4;
inline constexpr uint64_t kMostUploadBytes = uint64_t{64} << 20;
// An older version stays at least so long after it was replaced: calls that accept a dossier under it may be
// on their way.
inline constexpr absl::Duration kLeastKept = absl::Hours(1);

// What is stored of a jurisdiction: the version in force (nullptr = there is none), and the pieces besides.
struct ReferenceState {
  ReferenceState() {}

  const internal::reference::ReferenceRecord* record = nullptr;
  const internal::reference::ReferenceLedger* ledger = nullptr;

  uint64_t version() const { return record == nullptr ? 0 : record->manifest().version(); }
};

// A changed ledger, and what goes with it.
struct LedgerChange {
  LedgerChange() {}

  internal::reference::ReferenceLedger ledger;
  // Digests of pieces that are new, and of those that nothing needs any more.
  std::vector<std::string> added;
  std::vector<std::string> removed;
  // Older versions that go.
  std::vector<uint64_t> dropped;
};

// How many open dossiers were received under each version.
using OpenByVersion = std::map<uint64_t, uint64_t>;

// The group of counters, one for each version by its number, that a dossier adds to while it is open.
inline constexpr char kOpenByVersion[] = "open";

// INVALID_ARGUMENT (REFERENCE_INVALID) with every violation, as `set.<field>`; OK where there is none.
absl::Status StatusOf(const std::vector<reference::Violation>& violations);

// Takes a part over. Errors: PERMISSION_DENIED (NOT_YOUR_UPLOAD), RESOURCE_EXHAUSTED (TOO_MANY_UPLOADS,
// UPLOAD_TOO_LARGE). `part`: with its number, digest and pieces.
absl::StatusOr<LedgerChange> DecideUpload(const ReferenceState& state, const std::string& upload,
                                          const internal::reference::UploadedPart& part,
                                          const store::Context& context);

LedgerChange DecideDropUpload(const ReferenceState& state, const std::string& upload);

// Drops what is out of date: uploads, and older versions that no open dossier needs.
LedgerChange DecideTidy(const ReferenceState& state, const OpenByVersion& open, absl::Time now);

// The manifest of a complete upload. Errors: NOT_FOUND (UNKNOWN_UPLOAD), PERMISSION_DENIED (NOT_YOUR_UPLOAD),
// FAILED_PRECONDITION (UPLOAD_INCOMPLETE).
absl::StatusOr<reference::v1::ReferenceManifest> ManifestOfUpload(const ReferenceState& state,
                                                                  const std::string& upload, uint32_t parts,
                                                                  const std::string& officer);

// nullptr = unknown.
const internal::reference::UploadState* FindUpload(const ReferenceState& state, const std::string& upload);
v1::ReferenceUpload ViewOf(const internal::reference::UploadState& upload);

// The next version comes into force.
struct ReferenceApplication {
  explicit ReferenceApplication(store::Decision<internal::reference::ReferenceRecord> decision)
      : decision(std::move(decision)) {}

  // Without an event.
  store::Decision<internal::reference::ReferenceRecord> decision;
  LedgerChange ledger;
};

// `manifest`: with its content and pieces. `upload`: which one it was, and ends with it; may be empty.
ReferenceApplication DecideApply(const ReferenceState& state, reference::v1::ReferenceManifest manifest,
                                 const std::string& upload, const OpenByVersion& open,
                                 const store::Context& context);

}  // namespace motcua::intake
