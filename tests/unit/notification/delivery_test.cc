// Deliveries: quiet hours, pauses, giving up, and that an attempt is one replica's at a time.
#include "services/notification/domain/delivery/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/telling.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

using ::testing::SizeIs;

const absl::TimeZone& Zone() { return SmallCatalogue().time_zone(); }
absl::Time Local(int day, int hour, int minute, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(2026, 7, day, hour, minute, second), Zone());
}

TEST(QuietHours, ApplicantsAreWrittenToByDayOnly) {
  const struct {
    absl::Time at, waking;
  } cases[] = {
      {Local(14, 7, 0), Local(14, 7, 0)},          {Local(14, 12, 34), Local(14, 12, 34)},
      {Local(14, 19, 59, 59), Local(14, 19, 59, 59)}, {Local(14, 20, 0), Local(15, 7, 0)},
      {Local(14, 23, 59), Local(15, 7, 0)},        {Local(15, 0, 0), Local(15, 7, 0)},
      {Local(15, 6, 59, 59), Local(15, 7, 0)},     {Local(31, 22, 0), Local(32, 7, 0)},
  };
  for (const auto& c : cases) EXPECT_EQ(NextWaking(c.at, Zone()), c.waking) << c.at;
}

TEST(RetrySchedule, PausesGrowAndEightAttemptsFitIntoADay) {
  const RetryPolicy policy;
  absl::Duration total;
  for (uint32_t attempt = 1; attempt < policy.max_attempts; ++attempt) {
    const absl::Duration pause = PauseAfter(attempt, "a", policy);
    const absl::Duration nominal = policy.base * std::pow(policy.factor, attempt - 1);
    EXPECT_GE(pause, nominal * 0.8 - absl::Nanoseconds(1));
    EXPECT_LE(pause, nominal * 1.2 + absl::Nanoseconds(1));
    EXPECT_EQ(pause, PauseAfter(attempt, "a", policy));
    total += nominal;
  }
  EXPECT_LE(total * (1 + policy.jitter), policy.horizon);
  EXPECT_NE(PauseAfter(1, "a", policy), PauseAfter(1, "b", policy));
  EXPECT_LE(PauseAfter(1000, "a", policy), policy.horizon);
}

class Delivery : public testing::Test {
 protected:
  Delivery() {
    channels_.email = true;
    Take(record_, internal::notification::SOURCE_INTAKE, Accepted(1), SmallCatalogue());
    Take(record_, internal::notification::SOURCE_ROUTING, Offered(1, "H30.18.05", "H30.18.LR"),
         SmallCatalogue());
    Take(record_, internal::notification::SOURCE_ROUTING, Offered(2, "H30.18.LR", "H30.18.TX"),
         SmallCatalogue());
  }

  void AddAll(absl::Time at) {
    for (internal::notification::Occasion& occasion : *record_.mutable_occasions()) {
      for (internal::notification::Letter& letter : *occasion.mutable_letters()) {
        AddDeliveries(record_, letter, at, machine_, channels_, nullptr, SmallCatalogue());
      }
    }
  }
  const internal::notification::StoredDelivery& ToApplicant() const {
    return record_.occasions(0).letters(0).deliveries(0);
  }
  std::vector<DeliveryKey> ClaimAt(absl::Time now, absl::Time machine, int limit = 100) {
    std::vector<DeliveryKey> claimed;
    given_up_.clear();
    Claim(record_, now, machine, Zone(), policy_, limit, claimed, given_up_);
    return claimed;
  }

  const absl::Time machine_ = absl::FromUnixSeconds(1000000);
  RetryPolicy policy_;
  Channels channels_;
  internal::notification::DossierRecord record_;
  std::vector<DeliveryKey> given_up_;
};

TEST_F(Delivery, EachAddressMakesOne) {
  AddAll(Morning());
  EXPECT_EQ(record_.occasions(0).letters(0).deliveries(0).channel(),
            v1::DELIVERY_CHANNEL_EMAIL);  // the applicant's contact
  EXPECT_EQ(record_.occasions(1).letters(0).deliveries(0).channel(),
            v1::DELIVERY_CHANNEL_EMAIL);  // the registry's e-mail
  EXPECT_EQ(record_.occasions(2).letters(0).deliveries(0).channel(),
            v1::DELIVERY_CHANNEL_WEBHOOK);  // the tax branch's webhook
  EXPECT_EQ(store::CountersOf<DossierModel>(record_)[kPendingCounter], 3);
}

TEST_F(Delivery, NoneWithoutTheChannel) {
  channels_.email = false;
  channels_.webhook = false;
  AddAll(Morning());
  EXPECT_FALSE(HasPendingDelivery(record_));
}

TEST_F(Delivery, PreferencesReplaceTheReferenceData) {
  internal::notification::Preferences preferences;
  preferences.set_webhook("https://lr.example.org/hook");
  const internal::notification::Letter& letter = record_.occasions(1).letters(0);
  EXPECT_EQ(AddressOf(record_, letter, v1::DELIVERY_CHANNEL_EMAIL, &preferences, SmallCatalogue()), "");
  EXPECT_EQ(AddressOf(record_, letter, v1::DELIVERY_CHANNEL_WEBHOOK, &preferences, SmallCatalogue()),
            "https://lr.example.org/hook");
  EXPECT_EQ(AddressOf(record_, letter, v1::DELIVERY_CHANNEL_EMAIL, nullptr, SmallCatalogue()),
            "lr@example.org");
}

TEST_F(Delivery, AtNightOnlyTheApplicantsIsHeld) {
  AddAll(Local(14, 22, 0));
  EXPECT_EQ(ToApplicant().held_until(), absl::ToUnixSeconds(Local(15, 7, 0)));
  EXPECT_THAT(ClaimAt(Local(14, 22, 0), machine_), SizeIs(2));
  EXPECT_FALSE(Release(record_, Local(15, 6, 59), machine_));
  EXPECT_TRUE(Release(record_, Local(15, 7, 0), machine_));
  EXPECT_THAT(ClaimAt(Local(15, 7, 0), machine_), SizeIs(1));
}

TEST_F(Delivery, ARetryInTheNightWaitsForTheMorning) {
  AddAll(Local(14, 19, 59));
  ASSERT_THAT(ClaimAt(Local(14, 20, 1), machine_), SizeIs(2));
  EXPECT_EQ(ToApplicant().held_until(), absl::ToUnixSeconds(Local(15, 7, 0)));
  EXPECT_EQ(ToApplicant().attempts(), 0u);
}

TEST_F(Delivery, AClaimIsALease) {
  AddAll(Morning());
  EXPECT_THAT(ClaimAt(Morning(), machine_), SizeIs(3));
  EXPECT_THAT(ClaimAt(Morning(), machine_ + policy_.lease - absl::Seconds(1)), SizeIs(0));
  EXPECT_THAT(ClaimAt(Morning(), machine_ + policy_.lease), SizeIs(3));  // the one who had claimed them died
}

TEST_F(Delivery, AClaimIsBounded) {
  AddAll(Morning());
  EXPECT_THAT(ClaimAt(Morning(), machine_, 2), SizeIs(2));
  EXPECT_THAT(ClaimAt(Morning(), machine_, 2), SizeIs(1));
}

TEST_F(Delivery, AnAttemptThatNeverEndsIsGivenUp) {
  AddAll(Morning());
  absl::Time machine = machine_;
  for (uint32_t i = 0; i < policy_.max_attempts; ++i, machine += policy_.lease) {
    EXPECT_THAT(ClaimAt(Morning(), machine), SizeIs(3));
  }
  EXPECT_THAT(ClaimAt(Morning(), machine), SizeIs(0));
  EXPECT_THAT(given_up_, SizeIs(3));
  EXPECT_EQ(ToApplicant().state(), v1::DELIVERY_STATE_FAILED);
}

TEST_F(Delivery, TheOutboxTellsSinceWhenADeliveryIsDue) {
  const auto score_of = [this](const std::string& index) {
    double score = -1;
    for (const store::IndexEntry& entry : store::IndexesOf<DossierModel>(record_)) {
      if (entry.index == index) score = entry.score;
    }
    return score;
  };
  AddAll(Morning());
  EXPECT_EQ(score_of(kOutboxIndex), static_cast<double>(absl::ToUnixMicros(machine_)));
  // Held ones count from their release.
  for (internal::notification::Occasion& occasion : *record_.mutable_occasions()) {
    for (internal::notification::Letter& letter : *occasion.mutable_letters()) letter.clear_deliveries();
  }
  AddAll(Local(14, 22, 0));
  for (internal::notification::Occasion& occasion : *record_.mutable_occasions()) {
    for (internal::notification::Letter& letter : *occasion.mutable_letters()) {
      if (letter.party() != 0) letter.clear_deliveries();
    }
  }
  EXPECT_EQ(score_of(kOutboxIndex), -1);
  ASSERT_TRUE(Release(record_, Local(15, 7, 0), machine_ + absl::Hours(9)));
  EXPECT_EQ(score_of(kOutboxIndex), static_cast<double>(absl::ToUnixMicros(machine_ + absl::Hours(9))));
}

TEST_F(Delivery, DeliveredIsTheEnd) {
  AddAll(Morning());
  for (const DeliveryKey& key : ClaimAt(Morning(), machine_)) {
    EXPECT_EQ(Conclude(record_, key, Outcome(Outcome::Kind::kDelivered, ""), Morning(), machine_, policy_),
              Conclusion::kDelivered);
    EXPECT_EQ(Conclude(record_, key, Outcome(Outcome::Kind::kDelivered, ""), Morning(), machine_, policy_),
              Conclusion::kNone);
  }
  EXPECT_FALSE(HasPendingDelivery(record_));
  EXPECT_EQ(ToApplicant().delivered_at(), absl::ToUnixSeconds(Morning()));
  EXPECT_EQ(store::CountersOf<DossierModel>(record_)[kDeliveredCounter], 3);
}

TEST_F(Delivery, AttemptsEndWithTheLastOne) {
  AddAll(Morning());
  absl::Time machine = machine_;
  uint32_t attempts = 0;
  while (HasPendingDelivery(record_)) {
    for (const DeliveryKey& key : ClaimAt(Morning(), machine)) {
      const Conclusion conclusion =
          Conclude(record_, key, Outcome(Outcome::Kind::kFailedForNow, "busy"), Morning(), machine, policy_);
      const bool last = attempts + 1 == policy_.max_attempts;
      EXPECT_EQ(conclusion, last ? Conclusion::kGivenUp : Conclusion::kRetried);
    }
    ++attempts;
    ASSERT_LE(attempts, policy_.max_attempts);
    for (const internal::notification::Occasion& occasion : record_.occasions()) {
      const int64_t next = occasion.letters(0).deliveries(0).next_attempt();
      if (next > 0) machine = std::max(machine, absl::FromUnixMicros(next));
    }
  }
  EXPECT_EQ(attempts, policy_.max_attempts);
  EXPECT_EQ(ToApplicant().last_error(), "busy");
  EXPECT_EQ(store::CountersOf<DossierModel>(record_)[kFailedCounter], 3);
}

TEST_F(Delivery, AttemptsEndAfterADay) {
  AddAll(Morning());
  policy_.factor = 100;
  absl::Time machine = machine_;
  while (ToApplicant().state() == v1::DELIVERY_STATE_PENDING) {
    for (const DeliveryKey& key : ClaimAt(Morning(), machine)) {
      Conclude(record_, key, Outcome(Outcome::Kind::kFailedForNow, "busy"), Morning(), machine, policy_);
    }
    if (ToApplicant().state() == v1::DELIVERY_STATE_PENDING) machine = absl::FromUnixMicros(ToApplicant().next_attempt());
    ASSERT_LE(machine, machine_ + policy_.horizon);
  }
}

TEST_F(Delivery, APermanentFailureEndsAtOnce) {
  AddAll(Morning());
  const auto claimed = ClaimAt(Morning(), machine_);
  const Outcome refusal(Outcome::Kind::kFailedForGood, std::string(5000, 'x'));
  EXPECT_EQ(Conclude(record_, claimed[0], refusal, Morning(), machine_, policy_), Conclusion::kRefused);
  EXPECT_EQ(ToApplicant().state(), v1::DELIVERY_STATE_FAILED);
  EXPECT_LE(ToApplicant().last_error().size(), 200u);
}

TEST_F(Delivery, TheOutboxNamesTheEarliestAttempt) {
  AddAll(Local(14, 22, 0));
  bool outbox = false, held = false;
  for (const store::IndexEntry& entry : store::IndexesOf<DossierModel>(record_)) {
    outbox = outbox || (entry.index == kOutboxIndex && entry.score == absl::ToUnixMicros(machine_) &&
                        entry.member == kCode);
    held = held || (entry.index == kHeldIndex && entry.score == absl::ToUnixSeconds(Local(15, 7, 0)));
  }
  EXPECT_TRUE(outbox);
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace motcua::notification
