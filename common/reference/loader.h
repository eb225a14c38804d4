// Reference data from YAML files: read, merged, validated as a whole.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/reference/yaml_reader.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

// A YAML text and the name by which errors cite it.
struct YamlText {
  std::string name;
  std::string text;
};

// What the texts say, and everything that is wrong with it. The set may be used only where `violations` is
// empty.
struct LoadResult {
  v1::ReferenceSet set;
  std::vector<SourceViolation> violations;

  bool ok() const { return violations.empty(); }
  // OK, or INVALID_ARGUMENT with one line per violation: `file:line: field: reason`.
  absl::Status status() const;
};

// Merges the texts into one set and validates it. Pure and thread-safe.
LoadResult LoadTexts(absl::Span<const YamlText> texts);

// The same from files. A directory stands for its files `*.yaml` and `*.yml`, in the order of their names
// (not those of directories within it). At most 1000 files. Blocks on the file system.
LoadResult LoadFiles(absl::Span<const std::string> paths);

// LoadFiles of one path, as a status.
absl::StatusOr<v1::ReferenceSet> LoadReferenceSet(const std::string& path);

}  // namespace motcua::reference
