// What an inbox costs: two trips to Redis, whatever it holds.
#include "services/routing/calls/route_reader.h"

#include <thread>

#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/time/clock.h"
#include "gtest/gtest.h"
#include "services/routing/domain/route/route_model.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::routing {
namespace {

using async::SyncWait;

TEST(RouteReader, AnInboxPageWithAllItsCountsTakesTwoTrips) {
  constexpr char kAgency[] = "H30.18.05";
  test::RedisProcess redis;
  async::Loop loop("test");
  redis::Options options;
  options.address = redis.address();
  redis::Client client(loop, options);
  const time::SimulatedClock clock(absl::FromUnixSeconds(1'752'480'000));
  store::Store store(client, clock, "ro", absl::Hours(1));
  const RouteReader reader(store);
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  ASSERT_TRUE(SyncWait(loop, client.WaitConnected(deadline)).ok());
  redis::Command add("ZADD");
  add.Arg(store.Keys("H30").Index(1, InboxIndex(v1::BOX_HELD, kAgency)));
  for (int i = 0; i < 60; ++i) add.Arg(i).Arg("H30.18.05-260714-" + std::to_string(1000 + i));
  ASSERT_TRUE(SyncWait(loop, client.Execute(std::move(add), deadline)).ok());
  v1::ListInboxRequest request;
  request.set_agency(kAgency);
  request.set_box(v1::BOX_HELD);
  Lists lists;
  lists.emplace_back("H30", kAgency);
  size_t bytes = 0;
  ASSERT_TRUE(SyncWait(loop, reader.Inbox(request, lists, deadline, &bytes)).ok());  // the script is known

  for (const bool first : {true, false}) {
    const uint64_t before = client.stats().commands;
    redis.Pause();
    absl::StatusOr<v1::ListInboxResponse> page;
    std::thread asking([&] { page = SyncWait(loop, reader.Inbox(request, lists, deadline, &bytes)); });
    // The page and the sizes of four boxes are asked for before Redis has answered anything; then the records
    // at once.
    const bool together = test::WaitUntil([&] { return client.stats().commands - before >= 5; });
    redis.Resume();
    asking.join();
    EXPECT_TRUE(together);
    EXPECT_EQ(client.stats().commands - before, 6);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->held(), 60);
    EXPECT_EQ(page->next_page_token().empty(), !first);
    request.set_page_token(page->next_page_token());
  }
}

}  // namespace
}  // namespace motcua::routing
