// Events as bytes: framed once, found out about without parsing, and the same when read.
#include "common/feed/wire.h"

#include "common/time/timestamp.h"
#include "gtest/gtest.h"

namespace motcua::feed {
namespace {

v1::Event Sample() {
  v1::Event event;
  *event.mutable_at() = time::ToTimestamp(absl::FromUnixSeconds(1'752'480'000));
  event.set_subject("H30.18.05-260714-0001");
  event.mutable_actor()->set_id("an");
  event.set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  event.mutable_hand_over_accepted()->set_sender("H30.18.05");
  return event;
}

TEST(WireTest, AStepOfFramedEventsIsAReadResponse) {
  const v1::Event event = Sample();
  const std::optional<Entry> first = MakeEntry(event.SerializeAsString(), 300);
  const std::optional<Entry> second = MakeEntry(std::string(), 301);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  std::string wire = first->framed + second->framed;
  AppendWatermark(wire, absl::FromUnixMicros(1'752'480'000'123'456));
  AppendPosition(wire, 305);
  const std::optional<Step> step = Step::Parse(wire);
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(step->bytes(), wire.size());
  ASSERT_EQ((*step)->events_size(), 2);
  v1::Event expected = event;
  expected.set_position(300);
  EXPECT_EQ((*step)->events(0).SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ((*step)->events(1).position(), 301u);
  EXPECT_EQ((*step)->position(), 305u);
  EXPECT_EQ(time::FromTimestamp((*step)->watermark()), absl::FromUnixMicros(1'752'480'000'123'456));
}

TEST(WireTest, KindAndSubjectAreFoundWithoutParsing) {
  const std::optional<Entry> entry = MakeEntry(Sample().SerializeAsString(), 1);
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->kind, static_cast<uint32_t>(v1::Event::kHandOverAccepted));
  EXPECT_EQ(entry->subject(), "H30.18.05-260714-0001");
  EXPECT_EQ(MakeEntry(std::string(), 1)->kind, 0u);
  EXPECT_EQ(MakeEntry(std::string(), 1)->subject(), "");
}

TEST(WireTest, EveryKindIsFound) {
  const auto* oneof = v1::Event::descriptor()->FindOneofByName("body");
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::Event event = Sample();
    event.GetReflection()->MutableMessage(&event, oneof->field(i));
    EXPECT_EQ(MakeEntry(event.SerializeAsString(), 1)->kind, static_cast<uint32_t>(event.body_case()));
  }
}

TEST(WireTest, WhatIsNoEventIsFoundOutAtAnyCut) {
  const std::string event = Sample().SerializeAsString();
  size_t refused = 0;
  for (size_t size = 1; size < event.size(); ++size) {
    v1::Event parsed;
    const bool good = parsed.ParseFromString(event.substr(0, size));
    const std::optional<Entry> entry = MakeEntry(event.substr(0, size), 1);
    if (good) {
      EXPECT_TRUE(entry.has_value()) << size;
    }
    if (!entry.has_value()) ++refused;
  }
  EXPECT_GT(refused, event.size() / 2);
  EXPECT_FALSE(MakeEntry(std::string(11, '\xff'), 1).has_value());
}

}  // namespace
}  // namespace motcua::feed
