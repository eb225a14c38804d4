// On the system's clock, real processes at rest: nobody writes, reads or asks, and a timer fires all the
// same, soon after its moment (decision 6).
#include <fstream>
#include <map>

#include "tests/integration/deadline/monitor_process.h"
#include "tests/integration/deadline/upstream.h"
#include "tests/support/redis_process.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

class IdleTimerTest : public ::testing::Test {
 protected:
  IdleTimerTest()
      : intake_("intake", "motcua:in", redis_.address(), absl::InfinitePast()),
        routing_("routing", "motcua:ro", redis_.address(), absl::InfinitePast()) {}

  std::vector<std::string> Flags() const {
    return {"--redis=" + redis_.address(), "--peer=intake=" + intake_.address(),
            "--peer=routing=" + routing_.address(), "--log_level=warning"};
  }

  // Works all day and night, so that hours are hours.
  static reference::v1::ReferenceSet AlwaysOpen() {
    reference::v1::ReferenceSet set = TestCatalogue().set();
    auto* week = set.mutable_calendars(0)->mutable_week();
    week->Clear();
    set.mutable_calendars(0)->clear_days();
    for (uint32_t weekday = 1; weekday <= 7; ++weekday) {
      auto* day = week->Add();
      day->set_weekday(weekday);
      day->add_sessions("00:00-24:00");
    }
    set.set_version(1);
    return set;
  }

  // Accepted so that half of its four hours are over at `nearing`.
  static feed::v1::Event Accepted(int number, absl::Time nearing, const reference::Catalogue& catalogue) {
    feed::v1::Event event;
    *event.mutable_at() = time::ToTimestamp(absl::Now());
    event.set_subject(absl::StrCat("H30.18.05-250106-", absl::Dec(number, absl::kZeroPad4)));
    auto& accepted = *event.mutable_dossier_accepted();
    accepted.set_receiving_agency(kCommune);
    const absl::Time received = nearing - absl::Hours(2);
    *accepted.mutable_received_at() = time::ToTimestamp(received);
    *accepted.mutable_limit() = LimitOf("4wh");
    *accepted.mutable_due() =
        *time::ComputeDeadline(received, accepted.limit(), {}, catalogue.CalendarOf(kCommune));
    return event;
  }

  // When each alert was first seen in the feed, by its time.
  void Look() {
    redis::Command range("XRANGE");
    range.Arg("motcua:dm:{H30}:feed").Arg("-").Arg("+");
    auto reply = async::SyncWait(intake_.loop(),
                                 intake_.redis().Execute(std::move(range), absl::Now() + absl::Seconds(10)));
    ASSERT_TRUE(reply.ok()) << reply.status();
    const absl::Time now = absl::Now();
    std::map<std::string, int> times;
    for (const redis::Reply& entry : reply->items()) {
      feed::v1::Event event;
      ASSERT_TRUE(event.ParseFromString(entry.items()[1].items()[1].text()));
      if (event.alert_raised().kind() != feed::v1::ALERT_KIND_NEARING) continue;
      EXPECT_EQ(++times[event.subject()], 1) << "once";
      seen_.try_emplace(event.subject(), now - time::FromTimestamp(event.at()));
    }
  }

  test::RedisProcess redis_;
  test::TempDir dir_;
  Upstream intake_;
  Upstream routing_;
  std::map<std::string, absl::Duration> seen_;
};

TEST_F(IdleTimerTest, ATimerOnAShardAtRestFiresSoonAfterItsMoment) {
  MonitorProcess monitor(Flags()), replica(Flags());
  monitor.Start();
  replica.Start();
  feed::v1::Event applied;
  *applied.mutable_at() = time::ToTimestamp(absl::Now());
  applied.set_subject("H30");
  *applied.mutable_reference_applied()->mutable_set() = AlwaysOpen();
  const auto catalogue = *reference::Catalogue::Compile(AlwaysOpen());
  std::vector<feed::v1::Event> events = {applied};
  // Clocks go by whole minutes: the next one that leaves both time to come to rest.
  const absl::Time moment = absl::FromUnixSeconds((absl::ToUnixSeconds(absl::Now()) + 4) / 60 * 60 + 60);
  constexpr size_t kDossiers = 3;
  for (size_t i = 1; i <= kDossiers; ++i) events.push_back(Accepted(static_cast<int>(i), moment, *catalogue));
  intake_.Emit(events);
  ASSERT_TRUE(test::WaitUntil(
      [&] {
        Look();
        return seen_.size() == kDossiers;
      },
      absl::Seconds(75)))
      << seen_.size() << monitor.Log() << replica.Log();
  absl::Duration least = absl::InfiniteDuration();
  for (const auto& [code, late] : seen_) {
    RecordProperty("late_" + code, absl::FormatDuration(late));
    EXPECT_GE(late, absl::ZeroDuration()) << code << " before its moment";
    EXPECT_LT(late, absl::Seconds(2)) << code;
    least = std::min(least, late);
  }
  EXPECT_LT(least, absl::Milliseconds(300)) << absl::FormatDuration(least);
}

}  // namespace
}  // namespace motcua::deadline
