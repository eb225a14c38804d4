// One YAML text read into a ReferenceSet, remembering on which line each field stands.
//
// The keys are the field names of the contract (motcua.reference.v1). Shorter forms: a limit is written
// `5wd`, `15cd`, `4wh`; an enum value by its own word, `LEVEL_COMMUNE` as `commune`, `DAY_KIND_SWAP_OFF` as
// `swap-off`. Anchors and aliases work, within one text.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

// Something wrong, with the place where it is written.
struct SourceViolation {
  std::string file;
  // From 1; 0 where no line can be named.
  int line = 0;
  // The field, as in Violation; empty for faults of the text itself.
  std::string path;
  std::string description;

  // `calendar.yaml:12: calendars[0].days[3].date: duplicate day 2025-01-01`
  std::string ToString() const;
};

// Where the fields of a set were written.
class SourceMap {
 public:
  void Add(const std::string& path, const std::string& file, int line);

  // The place of the field, or of the nearest field around it: a missing field is reported where its owner
  // stands. Nothing known: file "" and line 0.
  struct Place {
    std::string file;
    int line = 0;
  };
  Place Find(absl::string_view path) const;

 private:
  absl::flat_hash_map<std::string, std::pair<int, int>> places_;  // path -> (file index, line)
  std::vector<std::string> files_;
};

// Appends what `text` says to `set`, so that several texts make one set: lists add up, the jurisdiction may
// appear once. Never throws; whatever cannot be read is added to `violations` and left out of the set. At
// most 8 MiB of text and a million fields.
void ReadYaml(const std::string& file, const std::string& text, v1::ReferenceSet& set, SourceMap& sources,
              std::vector<SourceViolation>& violations);

}  // namespace motcua::reference
