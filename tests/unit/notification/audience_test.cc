// Who is told: every audience word, with and without leaders, with and without a committee above.
#include "services/notification/domain/recipients/audience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/letters/names.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  const char* word;
  const char* holder;
  const char* receiving;
  std::vector<std::string> recipients;
};

std::vector<std::string> Recipients(const Circle& circle) {
  std::vector<std::string> recipients;
  for (const Addressee& addressee : circle.addressees()) recipients.push_back(addressee.recipient);
  return recipients;
}

TEST(Audience, EveryWordMeansItsRecipients) {
  const std::vector<Case> cases = {
      {"applicant", "H30.18.LR", "H30.18.05", {""}},
      {"holder", "H30.18.LR", "H30.18.05", {"agency:H30.18.LR"}},
      {"holder-leader", "H30.18.LR", "H30.18.05", {"lr-leader-1", "lr-leader-2"}},
      {"holder-leader", "H30.18.TX", "H30.18.05", {"agency:H30.18.TX"}},
      {"receiving-leader", "H30.18.LR", "H30.18.05", {"commune-leader"}},
      {"receiving-leader", "H30.18.LR", "H30.18.TX", {"agency:H30.18.TX"}},
      {"committee-leader", "H30.18.LR", "H30.18.05", {"district-leader"}},
      {"committee-leader", "H30.18.05", "H30.18.05", {"district-leader"}},
      {"committee-leader", "H30", "H30.18.05", {"province-leader"}},
      {"holder", "H30.99", "H30.18.05", {"agency:H30.99"}},
      {"holder-leader", "H30.99", "H30.18.05", {"agency:H30.99"}},
      {"committee-leader", "H30.99", "H30.18.05", {"agency:H30.99"}},
      {"holder", "", "H30.18.05", {}},
      {"holder-leader", "", "H30.18.05", {}},
      {"passer-by", "H30.18.LR", "H30.18.05", {}},
  };
  for (const Case& c : cases) {
    Circle circle(SmallCatalogue(), Morning(), c.holder, c.receiving);
    circle.Add(AudienceOf(c.word));
    EXPECT_EQ(Recipients(circle), c.recipients) << c.word << " of " << c.holder;
  }
}

TEST(Audience, NobodyIsToldTwiceOfOneEvent) {
  Circle circle(SmallCatalogue(), Morning(), "H30.18.05", "H30.18.05");
  circle.Add(internal::notification::AUDIENCE_HOLDER_LEADER);
  circle.Add(internal::notification::AUDIENCE_RECEIVING_LEADER);
  EXPECT_THAT(circle.addressees(),
              ElementsAre(Addressee("commune-leader", internal::notification::AUDIENCE_HOLDER_LEADER)));
}

TEST(Names, MessageIdsSurviveTheirTextForm) {
  const MessageId id(internal::notification::SOURCE_DEADLINE_MONITOR, "H30", 17,
                     "applicant:H30.18.05-260714-0001");
  EXPECT_EQ(id.ToString(), "deadline-monitor/H30/17/applicant:H30.18.05-260714-0001");
  const auto parsed = MessageId::Parse(id.ToString());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->ToString(), id.ToString());
  for (const char* bad : {"", "routing", "routing/H30", "routing/H30/1", "routing/H30/1/", "nobody/H30/1/x",
                          "routing//1/x", "routing/H30/0/x", "routing/H30/-1/x", "routing/H30/01/x",
                          "routing/H30/99999999999999999999/x"}) {
    EXPECT_FALSE(MessageId::Parse(bad).has_value()) << bad;
  }
}

TEST(Names, InboxMembersSurviveTheirTextForm) {
  for (const internal::notification::Source source :
       {internal::notification::SOURCE_INTAKE, internal::notification::SOURCE_ROUTING,
        internal::notification::SOURCE_DEADLINE_MONITOR}) {
    const auto place = InboxPlace::Parse(InboxMember(source, 4711, kCode));
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->source, source);
    EXPECT_EQ(place->position, 4711u);
    EXPECT_EQ(place->dossier, kCode);
  }
  for (const char* bad : {"", "r/x", "x1/y", "r1", "r-1/x"}) EXPECT_FALSE(InboxPlace::Parse(bad).has_value()) << bad;
}

TEST(Names, EveryTopicHasAName) {
  for (int topic = 1; topic <= internal::notification::Topic_MAX; ++topic)
    EXPECT_NE(TopicName(static_cast<internal::notification::Topic>(topic)), "");
}

}  // namespace
}  // namespace motcua::notification
