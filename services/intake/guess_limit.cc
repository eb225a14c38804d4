#include "services/intake/guess_limit.h"

#include "common/status/errors.h"

namespace motcua::intake {

absl::Status GuessLimit::Check(const std::string& code) {
  const auto found = by_code_.find(code);
  if (found == by_code_.end()) return absl::OkStatus();
  if (clock_.Now() - found->second->since >= kWindow) {
    Succeeded(code);
    return absl::OkStatus();
  }
  if (found->second->failures < kMaxFailures) return absl::OkStatus();
  return errors::ResourceExhausted("TOO_MANY_GUESSES", "too many failed look-ups of this code; try again later");
}

void GuessLimit::Failed(const std::string& code) {
  if (const auto found = by_code_.find(code); found != by_code_.end()) {
    records_.splice(records_.begin(), records_, found->second);
    ++found->second->failures;
    return;
  }
  Record record;
  record.code = code;
  record.failures = 1;
  record.since = clock_.Now();
  records_.push_front(std::move(record));
  by_code_.emplace(code, records_.begin());
  if (records_.size() > kMaxCodes) {
    by_code_.erase(records_.back().code);
    records_.pop_back();
  }
}

void GuessLimit::Succeeded(const std::string& code) {
  const auto found = by_code_.find(code);
  if (found == by_code_.end()) return;
  records_.erase(found->second);
  by_code_.erase(found);
}

}  // namespace motcua::intake
