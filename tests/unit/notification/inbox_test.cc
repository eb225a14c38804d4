// Inboxes: numbered without gaps, bounded, read once; preferences.
#include "services/notification/domain/inbox/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/delivery/delivery.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/telling.h"
#include "tests/support/violations.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

using ::testing::SizeIs;

common::v1::Actor Officer(const std::string& id, const std::string& agency) {
  common::v1::Actor actor;
  actor.set_id(id);
  actor.set_agency(agency);
  return actor;
}

internal::notification::DossierRecord WithOffers(int offers) {
  internal::notification::DossierRecord record;
  internal::notification::InboxRecord inbox;
  Take(record, internal::notification::SOURCE_INTAKE, Accepted(1), SmallCatalogue());
  for (int i = 1; i <= offers; ++i) {
    Take(record, internal::notification::SOURCE_ROUTING, Offered(i, "H30.18.05", "H30.18.LR"),
         SmallCatalogue());
    Enter(inbox, *record.mutable_occasions()->rbegin()->mutable_letters(0));
  }
  return record;
}

TEST(Inbox, NumbersAreConsecutiveAndTheBoundIsExact) {
  internal::notification::InboxRecord inbox;
  internal::notification::Letter letter;
  for (uint64_t i = 1; i <= 1003; ++i) {
    Enter(inbox, letter);
    EXPECT_EQ(letter.number(), i);
    EXPECT_EQ(LastToDrop(inbox, kInboxBound), i > 1000 ? i - 1000 : 0);
  }
}

TEST(Inbox, ADroppedMessageGoesWithItsIndexEntriesAndStaysCounted) {
  internal::notification::DossierRecord record = WithOffers(3);
  const auto before = store::CountersOf<DossierModel>(record);
  DropLetter(record, internal::notification::SOURCE_ROUTING, 1, "agency:H30.18.LR");
  EXPECT_EQ(FindOccasion(record, internal::notification::SOURCE_ROUTING, 1), nullptr);
  EXPECT_EQ(store::CountersOf<DossierModel>(record), before);
  EXPECT_THAT(store::IndexesOf<DossierModel>(record), SizeIs(4));  // two messages, each listed and unread
  DropLetter(record, internal::notification::SOURCE_ROUTING, 1, "agency:H30.18.LR");
  EXPECT_EQ(store::CountersOf<DossierModel>(record), before);
}

TEST(Inbox, ADroppedMessageIsStillDelivered) {
  internal::notification::DossierRecord record = WithOffers(1);
  Channels channels;
  channels.email = true;
  AddDeliveries(record, *record.mutable_occasions(1)->mutable_letters(0), Morning(), Morning(), channels,
                nullptr, SmallCatalogue());
  DropLetter(record, internal::notification::SOURCE_ROUTING, 1, "agency:H30.18.LR");
  ASSERT_NE(FindOccasion(record, internal::notification::SOURCE_ROUTING, 1), nullptr);
  std::vector<DeliveryKey> claimed;
  std::vector<DeliveryKey> given_up;
  const RetryPolicy policy;
  Claim(record, Morning(), Morning(), SmallCatalogue().time_zone(), policy, 10, claimed, given_up);
  ASSERT_THAT(claimed, SizeIs(1));
  Conclude(record, claimed[0], Outcome(Outcome::Kind::kDelivered, ""), Morning(), Morning(), policy);
  EXPECT_EQ(FindOccasion(record, internal::notification::SOURCE_ROUTING, 1), nullptr);
  EXPECT_EQ(store::CountersOf<DossierModel>(record)[kDeliveredCounter], 1);
}

TEST(Inbox, AnApplicantKeepsTheLatestFifty) {
  internal::notification::DossierRecord record = WithOffers(0);
  for (uint64_t position = 1; position <= 80; ++position) {
    feed::v1::Event event = At(position);
    event.mutable_supplement_requested()->set_reason("x");
    Take(record, internal::notification::SOURCE_ROUTING, event, SmallCatalogue());
  }
  EXPECT_EQ(record.occasions_size(), kApplicantBound);
  EXPECT_EQ(record.occasions(0).position(), 31u);
  EXPECT_EQ(store::CountersOf<DossierModel>(record)[kMessagesCounter], 81);
  EXPECT_EQ(store::CountersOf<DossierModel>(record)["by_event:SupplementRequested"], 80);
}

TEST(MarkRead, OnceAndForAll) {
  const internal::notification::DossierRecord record = WithOffers(1);
  const MessageId id(internal::notification::SOURCE_ROUTING, "H30", 1, "agency:H30.18.LR");
  const auto first =
      DecideMarkRead(&record, id, store::Context(Morning(), Officer("x", "H30.18.LR")), SmallCatalogue());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(store::IndexesOf<DossierModel>(first->record), SizeIs(1));
  const auto second =
      DecideMarkRead(&first->record, id,
                     store::Context(Morning() + absl::Hours(1), Officer("y", "H30.18.LR")), SmallCatalogue());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->record.occasions(1).letters(0).read_at(), absl::ToUnixSeconds(Morning()));
}

TEST(MarkRead, OnlyTheRecipientAndOnlyWhatThereIs) {
  const internal::notification::DossierRecord record = WithOffers(1);
  const store::Context registry(Morning(), Officer("x", "H30.18.LR"));
  const store::Context stranger(Morning(), Officer("x", "H30.18.TX"));
  const MessageId id(internal::notification::SOURCE_ROUTING, "H30", 1, "agency:H30.18.LR");
  const MessageId other(internal::notification::SOURCE_ROUTING, "H30", 2, "agency:H30.18.LR");
  EXPECT_EQ(errors::Reason(DecideMarkRead(&record, id, stranger, SmallCatalogue()).status()),
            "NOT_YOUR_AGENCY");
  EXPECT_EQ(errors::Reason(DecideMarkRead(&record, other, registry, SmallCatalogue()).status()),
            "MESSAGE_NOT_FOUND");
  EXPECT_EQ(errors::Reason(DecideMarkRead(nullptr, id, registry, SmallCatalogue()).status()),
            "MESSAGE_NOT_FOUND");
  EXPECT_FALSE(IsRecipient(Officer("", ""), ""));
  EXPECT_FALSE(IsRecipient(Officer("", ""), "agency:"));
}

TEST(Preferences, AllViolationsAtOnceAndOnlyOnesOwn) {
  v1::SetPreferencesRequest request;
  request.set_recipient("applicant:x");
  request.set_webhook("gopher://x y");
  const store::Context context(Morning(), Officer("a", "H30.18.LR"));
  EXPECT_THAT(motcua::test::Violations(DecideSetPreferences(request, true, context).status()), SizeIs(3));
  request.set_recipient("agency:H30.18.TX");
  request.set_webhook("https://x.example.org/hook");
  EXPECT_EQ(errors::Reason(DecideSetPreferences(request, false, context).status()), "NOT_YOUR_AGENCY");
  EXPECT_TRUE(DecideSetPreferences(request, true, context).ok());
  request.set_recipient("agency:H30.18.LR");
  EXPECT_TRUE(DecideSetPreferences(request, false, context).ok());
}

}  // namespace
}  // namespace motcua::notification
