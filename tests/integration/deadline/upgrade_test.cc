// The real motcua-deadline-monitor on data of the definition before its own: upgraded on start, while it
// serves, through kill -9.
#include "tests/integration/deadline/binary_fixture.h"

namespace motcua::deadline {
namespace {

// The lists and counters of a populated jurisdiction as the definition before had them.
constexpr char kAsDefinitionOne[] = R"lua(
local base, records = 'motcua:dm:{H30}:', 0
for _, key in ipairs(redis.call('KEYS', base .. '*')) do
  local name = string.sub(key, #base + 1)
  if string.sub(name, 1, 3) == 'x2:' then redis.call('RENAME', key, base .. 'x1:' .. string.sub(name, 4)) end
  if string.sub(name, 1, 2) == 'd:' then
    redis.call('SETRANGE', key, 0, '\0\1')
    records = records + 1
  end
  if name == 'n2' or name == 'n2:a' then
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do redis.call('HSET', base .. 'n1', fields[i], fields[i + 1]) end
    redis.call('DEL', key)
  end
end
redis.call('SET', base .. 'def', '1')
return records
)lua";

TEST_F(BinaryTest, AJurisdictionOfTheDefinitionBeforeIsUpgradedOnStartThroughKills) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(700);
  intake_.Advance(Begin() + absl::Hours(24 * 20));
  routing_.Advance(Begin() + absl::Hours(24 * 20));
  ASSERT_TRUE(Advance(monitor, Begin() + absl::Hours(24 * 20)).ok()) << monitor.Log();
  const std::string admin = Token("root", "H30", {"admin"});
  v1::GetStatisticsRequest ask;
  ask.set_shard("H30");
  const auto before = Call<v1::GetStatisticsResponse>(monitor, ask, admin);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->clocks(), 700u);
  ASSERT_EQ(before->agencies_size(), 1);
  ASSERT_EQ(monitor.Stop(), 0) << monitor.Log();
  redis::Command rewrite("EVAL");
  rewrite.Arg(kAsDefinitionOne).Arg(0);
  const auto records = async::SyncWait(
      intake_.loop(), intake_.redis().Execute(std::move(rewrite), absl::Now() + absl::Seconds(10)));
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->integer(), 700);

  // Told by `motcua status` while it lasts.
  std::set<int> steps;
  const absl::Time end = absl::Now() + absl::Seconds(120);
  monitor.Start();
  for (int kills = 0;;) {
    ASSERT_LT(absl::Now(), end) << monitor.Log();
    const auto status = Call<admin::v1::GetStatusResponse>(monitor, admin::v1::GetStatusRequest(), admin);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->definition(), 2u);
    for (const auto& line : status->definitions()) {
      EXPECT_EQ(line.shard(), "H30");
      EXPECT_EQ(line.trouble(), "");
      if (line.step() != admin::v1::DefinitionStatus::STEP_UNSPECIFIED) EXPECT_EQ(line.to_definition(), 2u);
      steps.insert(line.step());
      if (line.step() == admin::v1::DefinitionStatus::STEP_BUILDING) EXPECT_LE(line.written(), 700u);
    }
    if (steps.count(admin::v1::DefinitionStatus::STEP_BUILT) != 0 && status->definitions().empty()) break;
    if (kills < 3 && !status->definitions().empty()) {
      ++kills;
      monitor.Kill9();
      monitor.Start();
    }
    // What is read is right, or refused until it is built.
    v1::ListClocksRequest list;
    list.set_agency("H30");
    const auto listed = Call<v1::ListClocksResponse>(monitor, list, admin);
    ASSERT_TRUE(listed.ok()) << listed.status();
    EXPECT_EQ(listed->total(), before->open());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const auto after = Call<v1::GetStatisticsResponse>(monitor, ask, admin);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->clocks(), before->clocks());
  EXPECT_EQ(after->agencies().at(kCommune).holding(), before->agencies().at(kCommune).holding());
  EXPECT_EQ(after->agencies().at(kCommune).held_micros(), before->agencies().at(kCommune).held_micros());
  ask.add_agencies("H30.18");
  EXPECT_EQ(Call<v1::GetStatisticsResponse>(monitor, ask, admin)->agencies_size(), 0)
      << "only those that were asked for";
  admin::v1::CheckListsRequest check;
  check.set_shard("H30");
  const auto checked = Call<admin::v1::CheckListsResponse>(monitor, check, admin);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->records(), 700u);
  EXPECT_THAT(checked->violations(), testing::IsEmpty());
  EXPECT_FALSE(checked->leftovers());
  redis::Command left("EVAL");
  left.Arg("return #redis.call('KEYS', '*}:x1:*') + #redis.call('KEYS', '*}:n1*')").Arg(0);
  const auto keys = async::SyncWait(
      intake_.loop(), intake_.redis().Execute(std::move(left), absl::Now() + absl::Seconds(10)));
  EXPECT_EQ(keys->integer(), 0);
  // And it goes on.
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
}

}  // namespace
}  // namespace motcua::deadline
