#include "clients/motcua/alert_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/feed/v1/event.pb.h"

namespace motcua::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

common::v1::History HistoryOf(const std::vector<std::pair<std::string, std::string>>& lines) {
  common::v1::History history;
  for (const auto& [action, note] : lines) {
    common::v1::HistoryEntry& entry = *history.add_entries();
    entry.set_action(action);
    entry.set_note(note);
  }
  return history;
}

deadline::v1::Clock ClockOf(bool overdue) {
  deadline::v1::Clock clock;
  clock.set_dossier("R01.1-220301-0001");
  if (overdue) clock.set_ever_raised(1u << feed::v1::ALERT_KIND_OVERDUE);
  return clock;
}

TEST(AlertTally, ADossierIsAlertedOnceForEachDueDate) {
  AlertTally tally;
  EXPECT_THAT(tally.Add(ClockOf(true), HistoryOf({{"DossierAccepted", ""},
                                                  {"AlertRaised", "NEARING"},
                                                  {"AlertRaised", "OVERDUE"},
                                                  {"AlertRaised", "OVERDUE leg-2"},
                                                  {"AlertRaised", "OVERDUE leg-2"},
                                                  {"DueChanged", "2022-04-26 > 2022-05-26"},
                                                  {"AlertRaised", "OVERDUE"}})),
              IsEmpty());
  EXPECT_EQ(tally.alerts(), 5u);
  EXPECT_THAT(tally.Add(ClockOf(true), HistoryOf({{"AlertRaised", "OVERDUE"}, {"AlertRaised", "OVERDUE"}})),
              ElementsAre(HasSubstr("R01.1-220301-0001: OVERDUE was raised twice")));
}

TEST(AlertTally, StatisticsCountWhatTheHistoriesHave) {
  AlertTally tally;
  tally.Add(ClockOf(true), HistoryOf({{"AlertRaised", "NEARING"}, {"AlertRaised", "OVERDUE"}}));
  tally.Add(ClockOf(false), HistoryOf({{"AlertRaised", "NEARING"}}));
  deadline::v1::GetStatisticsResponse statistics;
  (*statistics.mutable_alerts())["NEARING"] = 2;
  (*statistics.mutable_alerts())["OVERDUE"] = 1;
  statistics.set_ever_overdue(1);
  EXPECT_THAT(tally.Compare(statistics), IsEmpty());
  statistics.set_ever_overdue(2);
  (*statistics.mutable_alerts())["ESCALATED"] = 1;
  (*statistics.mutable_alerts())["NEARING"] = 1;
  statistics.mutable_alerts()->erase("OVERDUE");
  EXPECT_THAT(tally.Compare(statistics),
              ElementsAre(HasSubstr("1 alerts ESCALATED, the dossiers' histories have 0"),
                          HasSubstr("1 alerts NEARING, the dossiers' histories have 2"),
                          HasSubstr("0 alerts OVERDUE, the dossiers' histories have 1"),
                          HasSubstr("2 dossiers that were ever overdue, the clocks are 1")));
}

}  // namespace
}  // namespace motcua::client
