// What is wrong with reference data, and where.
#pragma once

#include <string>
#include <vector>

namespace motcua::reference {

// One breach of one rule.
struct Violation {
  // The field in the ReferenceSet: `agencies[2].parent`.
  std::string path;
  // What is wrong with it, as a sentence part: `unknown agency "H30.99"`.
  std::string description;

  friend bool operator==(const Violation&, const Violation&) = default;
};

// At most this many are reported; a last one then says so.
inline constexpr size_t kMaxViolations = 1000;

}  // namespace motcua::reference
