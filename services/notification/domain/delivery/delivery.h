// Deliveries by external channels: when, again, or give up.
//
// Two clocks. Quiet hours are about people, so they go by the service's clock, which may be simulated; pauses
// between attempts are about machines, so they go by the machine's clock, or no delivery would be tried again
// while simulated time stands still.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// ---------------------------------------------------------------- quiet hours
// Applicants are written to from 07:00 until 20:00 of their local day.
inline constexpr int kDayBeginsHour = 7;
inline constexpr int kDayEndsHour = 20;

// `t` itself where it lies in the day, else the next morning.
absl::Time NextWaking(absl::Time t, const absl::TimeZone& zone);

// ---------------------------------------------------------------- repetition
class RetryPolicy {
 public:
  RetryPolicy() {}

  uint32_t max_attempts = 8;
  // Pause after the first failure; each further one is `factor` times as long, give or take `jitter`.
  // Eight attempts then take 18 hours, 22 with the longest pauses.
  absl::Duration base = absl::Seconds(12);
  double factor = 4;
  double jitter = 0.2;
  // No attempt later than this after the first.
  absl::Duration horizon = absl::Hours(24);
  // How long an attempt belongs to the one who began it; must be longer than any attempt can take.
  absl::Duration lease = absl::Minutes(2);
};

// The pause after the n-th failed attempt (n >= 1) of the delivery that `seed` names: jitter without
// randomness, so that the same history gives the same schedule.
absl::Duration PauseAfter(uint32_t attempt, std::string_view seed, const RetryPolicy& policy);

// ---------------------------------------------------------------- deliveries of a letter
// What the installation can deliver by.
class Channels {
 public:
  Channels() {}

  bool email = false;
  bool webhook = true;
};

// Where a letter goes by a channel; empty = nowhere. An applicant is reached by the e-mail of the contact;
// others as their preferences say, or, without any, the reference data. `preferences` may be nullptr.
std::string AddressOf(const internal::notification::DossierRecord& record,
                      const internal::notification::Letter& letter, v1::DeliveryChannel channel,
                      const internal::notification::Preferences* preferences,
                      const reference::Catalogue& catalogue);

// Adds the deliveries that a new letter needs: due from `machine_now` on, or held where `at` lies in the
// applicant's quiet hours.
void AddDeliveries(const internal::notification::DossierRecord& record,
                   internal::notification::Letter& letter, absl::Time at, absl::Time machine_now,
                   const Channels& channels, const internal::notification::Preferences* preferences,
                   const reference::Catalogue& catalogue);

// Names a delivery.
class DeliveryKey {
 public:
  DeliveryKey(internal::notification::Source source, uint64_t position, std::string recipient,
              v1::DeliveryChannel channel)
      : source(source), position(position), recipient(std::move(recipient)), channel(channel) {}

  internal::notification::Source source;
  uint64_t position;
  std::string recipient;
  v1::DeliveryChannel channel;
};

// Takes the deliveries of a dossier that are due on the machine's clock for an attempt, at most `limit`: each
// is counted as attempted and leased. Those of applicants in their quiet hours are held instead, and those
// whose attempts never came to an end are given up, with a line in `given_up`. False = nothing changed.
bool Claim(internal::notification::DossierRecord& record, absl::Time now, absl::Time machine_now,
           const absl::TimeZone& zone, const RetryPolicy& policy, int limit,
           std::vector<DeliveryKey>& claimed, std::vector<DeliveryKey>& given_up);

// Lets go what was held until `now`: due from `machine_now` on. False = nothing changed.
bool Release(internal::notification::DossierRecord& record, absl::Time now, absl::Time machine_now);

// How an attempt ended.
class Outcome {
 public:
  enum class Kind { kDelivered, kFailedForNow, kFailedForGood };

  Outcome(Kind kind, std::string error) : kind(kind), error(std::move(error)) {}

  Kind kind;
  // Without addresses or other personal data; at most 200 bytes are kept.
  std::string error;
};

// What became of a delivery by the outcome of an attempt.
enum class Conclusion {
  // There is no such pending delivery (any more): nothing changed.
  kNone,
  kDelivered,
  // Failed for now, to be attempted again.
  kRetried,
  // Failed for now too often or for too long.
  kGivenUp,
  // Failed for good.
  kRefused,
};

// `delivered`, `retried`, `given_up`, `refused`, `not_entered`.
std::string_view ConclusionName(Conclusion conclusion);

// Enters the outcome of a claimed attempt.
Conclusion Conclude(internal::notification::DossierRecord& record, const DeliveryKey& key,
                    const Outcome& outcome, absl::Time now, absl::Time machine_now,
                    const RetryPolicy& policy);

}  // namespace motcua::notification
