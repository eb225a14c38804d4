// A repeated request is answered as the first time, for the whole retention, wherever its answer is kept; and
// a request id is of its caller: of a person or a system, or of the agency whose officer it is.
#include "tests/integration/store/store_fixture.h"

namespace motcua::store {
namespace {

using testing::SizeIs;

std::string RequestName(int i) { return "request-" + std::to_string(i); }

class ReplayTest : public StoreTest {
 protected:
  // The answers to the desk's requests that have keys of their own.
  std::vector<std::string> RequestKeys(int requests) {
    std::vector<std::string> keys;
    for (int i = 0; i < requests; ++i) {
      const std::string owner = internal::RequestOwner(Officer().actor);
      const std::string key = store_.Keys("H30").Request(RequestDigest(owner, RequestName(i), kId));
      if (Ask("EXISTS", key).integer() == 1) keys.push_back(key);
    }
    return keys;
  }
};

TEST_F(ReplayTest, OfEveryRequestTheAnswerIsFoundInTheRecordAndBesideIt) {
  constexpr int kRequests = 40;
  std::vector<Response> first;
  for (int i = 0; i < kRequests; ++i) {
    auto added = Wait(Add(kId, RequestName(i), 1, "box-" + std::to_string(i)));
    ASSERT_TRUE(added.ok()) << added.status();
    first.push_back(*added);
  }
  // The latest stand in the record, the others have left it.
  EXPECT_THAT(RequestKeys(kRequests), SizeIs(kRequests - RequestBlock::kMaxEntries));
  Process other(loop_, redis_, clock_);
  ASSERT_TRUE(Wait(other.client.WaitConnected(Soon())).ok());
  for (Store* store : {&store_, &other.store}) {
    for (int i = 0; i < kRequests; ++i) {
      auto again = Wait(AddBy(*store, Officer(), kId, RequestName(i), 1, "box-" + std::to_string(i)));
      ASSERT_TRUE(again.ok()) << i << again.status();
      Response expected = first[static_cast<size_t>(i)];
      expected.mutable_written()->set_replayed(true);
      EXPECT_EQ(again->SerializeAsString(), expected.SerializeAsString()) << i << again->DebugString();
      auto reused = Wait(AddBy(*store, Officer(), kId, RequestName(i), 2, "box-" + std::to_string(i)));
      EXPECT_EQ(errors::Reason(reused.status()), "REQUEST_ID_REUSED") << i;
    }
  }
  EXPECT_EQ(Load(kId).route().work_done(), kRequests);
  EXPECT_EQ(FeedLength(), kRequests);
}

TEST_F(ReplayTest, AnAnswerThatLeftTheRecordIsFoundBeforeARefusal) {
  ASSERT_TRUE(Wait(Add(kId, RequestName(0), 900)).ok());
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(Wait(Add(kId, RequestName(i), 1)).ok());
  // Decided now, it would be refused: there is too much on the account.
  EXPECT_EQ(errors::Reason(Wait(Add(kId, "another", 900)).status()), "TOO_MUCH");
  auto again = Wait(Add(kId, RequestName(0), 900));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(again->written().version(), 1u);
}

TEST_F(ReplayTest, AStoredAnswerExpires) {
  Process brief(loop_, redis_, clock_, absl::Seconds(1));
  ASSERT_TRUE(Wait(brief.client.WaitConnected(Soon())).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Wait(AddBy(brief.store, Officer(), kId, RequestName(i), 1)).ok());
  // All gone from Redis by themselves.
  const absl::Time limit = Soon();
  while (!RequestKeys(20).empty()) ASSERT_LT(absl::Now(), limit);
  // Requests of today, under the old ids: of what was in the record and of what had left it.
  // What is in the record first: with the next write it would go.
  absl::StatusOr<Response> added;
  do {
    added = Wait(AddBy(brief.store, Officer(), kId, RequestName(19), 1));
    ASSERT_TRUE(added.ok());
    ASSERT_LT(absl::Now(), limit);
  } while (added->written().replayed());
  added = Wait(AddBy(brief.store, Officer(), kId, RequestName(0), 1));
  ASSERT_TRUE(added.ok());
  EXPECT_FALSE(added->written().replayed());
  // The record keeps what is alive, and no more.
  auto values = Wait(store_.Get({KeyOf(kId)}, Soon()));
  StoredRecord parts;
  ASSERT_TRUE(DecodeStored(*values->front(), parts));
  EXPECT_LT(parts.requests.size(), 200u);
}

TEST_F(ReplayTest, ARequestIdIsOfItsCaller) {
  ASSERT_TRUE(Wait(Add(kId, "the-id", 5)).ok());
  auto elsewhere = Wait(Add("H30.18.05-260714-0002", "the-id", 5));
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_FALSE(elsewhere->written().replayed()) << "on another record it is another request";
  auto other = Wait(AddBy(store_, Officer("officer-1", "H30.18.06"), kId, "the-id", 5));
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->written().replayed()) << "of another agency it is another request";
  EXPECT_EQ(Load(kId).route().work_done(), 10);

  auto opened = Wait(OpenBy(store_, Officer("portal-1", ""), "filing", 5));
  ASSERT_TRUE(opened.ok());
  // A system without an agency, and a person whose agency is called as the system.
  for (const Caller& stranger : {Officer("portal-2", ""), Officer("portal-2", "portal-1")}) {
    auto filed = Wait(OpenBy(store_, stranger, "filing", 5));
    ASSERT_TRUE(filed.ok());
    EXPECT_FALSE(filed->written().replayed()) << "another caller must not get the first one's secret";
    EXPECT_NE(filed->holder(), opened->holder());
  }
}

TEST_F(ReplayTest, ARequestThatAnotherOfficerOfTheDeskRepeatsIsOne) {
  auto added = Wait(Add(kId, "the-id", 5));
  auto opened = Wait(OpenBy(store_, Officer(), "filing", 5));
  ASSERT_TRUE(added.ok() && opened.ok());
  auto added_again = Wait(AddBy(store_, Officer("officer-2"), kId, "the-id", 5));
  auto opened_again = Wait(OpenBy(store_, Officer("officer-2"), "filing", 5));
  ASSERT_TRUE(added_again.ok() && opened_again.ok());
  EXPECT_TRUE(added_again->written().replayed());
  EXPECT_TRUE(opened_again->written().replayed());
  EXPECT_EQ(opened_again->holder(), opened->holder());
  EXPECT_EQ(Load(kId).route().work_done(), 5);
}

TEST_F(ReplayTest, WhatARequestHasMadeIsKnownForEver) {
  Process brief(loop_, redis_, clock_, absl::Seconds(1));
  ASSERT_TRUE(Wait(brief.client.WaitConnected(Soon())).ok());
  auto opened = Wait(OpenBy(brief.store, Officer(), "open", 1));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const std::string id = opened->written().subject();
  EXPECT_EQ(
      Ask("TTL", store_.Keys("H30").Made(RequestDigest(internal::RequestOwner(Officer().actor), "open")))
          .integer(),
      -1);
  // Until the first answer has left the record, and wherever else it may have been.
  const absl::Time limit = Soon();
  int written = 0;
  bool gone = false;
  while (!gone) {
    ASSERT_LT(absl::Now(), limit);
    ASSERT_TRUE(Wait(AddBy(brief.store, Officer(), id, "more-" + std::to_string(++written), 1)).ok());
    auto again = Wait(OpenBy(brief.store, Officer(), "open", 1));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->written().replayed());
    EXPECT_EQ(again->written().subject(), id);
    EXPECT_EQ(again->holder(), opened->holder());
    gone = !again->written().has_at();
    EXPECT_EQ(again->written().version(), gone ? static_cast<uint64_t>(written) + 1 : 1u);
    EXPECT_GT(again->written().feed_position(), 0u);
  }
  auto reused = Wait(OpenBy(brief.store, Officer(), "open", 2));
  EXPECT_EQ(errors::Reason(reused.status()), "REQUEST_ID_REUSED");
}

TEST_F(ReplayTest, TwoRacingCopiesOfARequestHaveOneEffectInDifferentProcesses) {
  Process other(loop_, redis_, clock_);
  ASSERT_TRUE(Wait(other.client.WaitConnected(Soon())).ok());
  for (int i = 0; i < 40; ++i) {
    std::vector<async::Task<absl::StatusOr<Response>>> copies;
    copies.push_back(Add(kId, RequestName(i), 1));
    copies.push_back(AddBy(other.store, Officer(), kId, RequestName(i), 1));
    copies.push_back(OpenBy(store_, Officer(), "open-" + std::to_string(i), 1));
    copies.push_back(OpenBy(other.store, Officer(), "open-" + std::to_string(i), 1));
    auto results = Wait(async::WhenAll(std::move(copies)));
    for (const auto& result : results) ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(results[0]->written().version(), static_cast<uint64_t>(i) + 1);
    for (int pair : {0, 2}) {
      EXPECT_EQ(results[pair]->written().feed_position(), results[pair + 1]->written().feed_position());
      EXPECT_NE(results[pair]->written().replayed(), results[pair + 1]->written().replayed());
      EXPECT_EQ(results[pair]->holder(), results[pair + 1]->holder());
    }
  }
  EXPECT_EQ(Load(kId).route().work_done(), 40);
}

TEST_F(ReplayTest, ARefusalThatWasCommittedIsRepeated) {
  auto first = Wait(AddRefused("request-1"));
  EXPECT_EQ(errors::Reason(first.status()), "COUNTED");
  auto again = Wait(AddRefused("request-1"));
  EXPECT_EQ(again.status(), first.status());
  EXPECT_EQ(Load(kId).route().work_done(), 1u) << "counted once";
  EXPECT_FALSE(Wait(AddRefused("request-2")).ok());
  EXPECT_EQ(Load(kId).route().work_done(), 2u);
}

}  // namespace
}  // namespace motcua::store
