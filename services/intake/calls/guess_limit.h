// Limits guessing of dossier secrets.
#pragma once

#include <cstddef>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/time/clock.h"

namespace motcua::intake {

// Counts failed look-ups for each dossier code, known or not, so that even the refusal tells nothing. With
// the limit of 10 in 10 minutes, 32^6 secrets take a thousand years for one dossier at one replica.
//
// In memory and bounded: of more than `kMaxCodes` codes the one that failed longest ago is forgotten.
// Confined to one thread. `clock` is the real one, even where the service's time is simulated; it outlives
// the object.
class GuessLimit {
 public:
  static constexpr int kMaxFailures = 10;
  static constexpr absl::Duration kWindow = absl::Minutes(10);
  static constexpr size_t kMaxCodes = 20000;

  explicit GuessLimit(const time::Clock& clock) : clock_(clock) {}

  // To be asked before the secret is looked at. Counts a failure in advance, so that guesses side by side
  // gain nothing. RESOURCE_EXHAUSTED (TOO_MANY_GUESSES) where the code's failures have reached the limit, for
  // the right secret too.
  absl::Status Begin(const std::string& code);
  // The secret was right: the code's failures are forgotten.
  void Succeeded(const std::string& code);
  // The secret could not be looked at: the failure counted in advance is taken back.
  void Withdraw(const std::string& code);

  size_t size() const { return by_code_.size(); }

 private:
  struct Record {
    std::string code;
    int failures = 0;
    absl::Time since;
  };

  const time::Clock& clock_;
  std::list<Record> records_;  // the latest failure first
  absl::flat_hash_map<std::string, std::list<Record>::iterator> by_code_;
};

}  // namespace motcua::intake
