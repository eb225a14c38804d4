// The ring of a feed's last events: contiguous, bounded by number and by bytes.
#include "common/feed/ring.h"

#include "gtest/gtest.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::feed {
namespace {

Entry At(uint64_t position, size_t bytes = 10) {
  v1::Event event;
  event.set_subject(std::string(bytes, 's'));
  return *MakeEntry(event.SerializeAsString(), position);
}

TEST(RingTest, HoldsTheLastEventsByNumber) {
  Ring ring(3, 1 << 20);
  for (uint64_t position = 5; position <= 9; ++position) ring.Push(At(position));
  EXPECT_EQ(ring.size(), 3u);
  EXPECT_FALSE(ring.Holds(6));
  ASSERT_TRUE(ring.Holds(7));
  EXPECT_EQ(ring.At(7)->position, 7u);
  EXPECT_EQ(ring.At(9)->position, 9u);
  EXPECT_EQ(ring.At(10), nullptr);
}

TEST(RingTest, HoldsNoMoreBytesThanItMayButAlwaysTheLast) {
  Ring ring(1000, 2500);
  for (uint64_t position = 1; position <= 100; ++position) {
    ring.Push(At(position, 1000));
    EXPECT_LE(ring.bytes(), 2500u);
  }
  EXPECT_EQ(ring.size(), 2u);
  ring.Push(At(101, 10'000));
  EXPECT_EQ(ring.size(), 1u);
  ASSERT_TRUE(ring.Holds(101));
  ring.Push(At(102));
  EXPECT_EQ(ring.size(), 1u) << "the large one has gone";
  EXPECT_LT(ring.bytes(), 100u);
}

TEST(RingTest, BeginsAnewAfterAGap) {
  Ring ring(100, 1 << 20);
  for (uint64_t position = 1; position <= 10; ++position) ring.Push(At(position));
  ring.Push(At(15));
  EXPECT_EQ(ring.size(), 1u);
  EXPECT_FALSE(ring.Holds(10)) << "what is found by position would be another event";
  EXPECT_FALSE(ring.Holds(14));
  ASSERT_TRUE(ring.Holds(15));
  EXPECT_EQ(ring.At(15)->position, 15u);
}

}  // namespace
}  // namespace motcua::feed
