#include "services/intake/calls/guess_limit.h"

#include "common/status/errors.h"

namespace motcua::intake {

absl::Status GuessLimit::Begin(const std::string& code) {
  auto found = by_code_.find(code);
  if (found != by_code_.end() && clock_.Now() - found->second->since >= kWindow) {
    Succeeded(code);
    found = by_code_.end();
  }
  if (found == by_code_.end()) {
    Record record;
    record.code = code;
    record.since = clock_.Now();
    records_.push_front(std::move(record));
    found = by_code_.emplace(code, records_.begin()).first;
  }
  if (found->second->failures >= kMaxFailures) {
    return errors::RetryAfter(
        errors::ResourceExhausted("TOO_MANY_GUESSES",
                                  "too many failed look-ups of this code; try again later"),
        found->second->since + kWindow - clock_.Now());
  }
  records_.splice(records_.begin(), records_, found->second);
  ++found->second->failures;
  if (records_.size() > kMaxCodes) {
    by_code_.erase(records_.back().code);
    records_.pop_back();
  }
  return absl::OkStatus();
}

void GuessLimit::Withdraw(const std::string& code) {
  const auto found = by_code_.find(code);
  if (found == by_code_.end() || --found->second->failures > 0) return;
  Succeeded(code);
}

void GuessLimit::Succeeded(const std::string& code) {
  const auto found = by_code_.find(code);
  if (found == by_code_.end()) return;
  records_.erase(found->second);
  by_code_.erase(found);
}

}  // namespace motcua::intake
