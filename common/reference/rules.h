// Shared by the validator's parts; not for other directories.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "common/reference/violation.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

// Collects violations up to the bound.
class Report {
 public:
  template <typename... Parts>
  void Add(absl::string_view path, const Parts&... parts) {
    if (violations_.size() < kMaxViolations) {
      violations_.push_back({std::string(path), absl::StrCat(parts...)});
    } else if (violations_.size() == kMaxViolations) {
      violations_.push_back({"", "there are more violations, which are not listed"});
    }
  }

  size_t size() const { return violations_.size(); }
  std::vector<Violation> Take() && { return std::move(violations_); }

 private:
  std::vector<Violation> violations_;
};

// `agencies[2]` and `agencies[2].parent`.
inline std::string Item(absl::string_view list, int index) { return absl::StrCat(list, "[", index, "]"); }
inline std::string Field(absl::string_view item, absl::string_view field) {
  return absl::StrCat(item, ".", field);
}

// A text for an error message: quoted and not longer than a line.
std::string Quote(absl::string_view text);

// Where each id of a set stands, by its first use.
struct Index {
  explicit Index(const v1::ReferenceSet& set);

  absl::flat_hash_map<absl::string_view, int> agencies;
  absl::flat_hash_map<absl::string_view, int> calendars;
  absl::flat_hash_map<absl::string_view, int> ladders;
};

// 1 to 64 characters of A-Z a-z 0-9 . _ -
bool IsIdentifier(absl::string_view text);

// Checks of single fields; each reports and returns nothing where the value is bad.
void CheckIdentifier(absl::string_view path, absl::string_view value, Report& report);
void CheckRequired(absl::string_view path, absl::string_view value, Report& report);
void CheckEmail(absl::string_view path, absl::string_view value, Report& report);
void CheckLegalLimit(absl::string_view path, bool present, const common::v1::Limit& limit, Report& report);
bool CheckCount(absl::string_view path, int count, int most, Report& report);

// A stretch of days with open ends.
struct Validity {
  absl::CivilDay from = absl::CivilDay::min();
  absl::CivilDay until = absl::CivilDay::max();
};
std::optional<Validity> CheckValidity(absl::string_view item, absl::string_view from, absl::string_view until,
                                      Report& report);

// The parts, one per kind of data.
void ValidateTexts(const v1::ReferenceSet& set, Report& report);
void ValidateJurisdiction(const v1::ReferenceSet& set, const Index& index, Report& report);
void ValidateAgencies(const v1::ReferenceSet& set, const Index& index, Report& report);
void ValidateOfficers(const v1::ReferenceSet& set, const Index& index, Report& report);
void ValidateProcedures(const v1::ReferenceSet& set, const Index& index, Report& report);
void ValidateCalendars(const v1::ReferenceSet& set, const Index& index, Report& report);
void ValidateLadders(const v1::ReferenceSet& set, Report& report);
void ValidateTemplates(const v1::ReferenceSet& set, Report& report);

// Whether `word` is one of the audiences of the contract.
bool IsAudience(absl::string_view word);
inline constexpr char kAudiences[] = "holder, holder-leader, receiving-leader, committee-leader, applicant";

}  // namespace motcua::reference
