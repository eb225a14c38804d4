// Histories over their tails and chunks: complete, in order, and shown where somebody meddled with them.
#include "tests/integration/store/store_fixture.h"

namespace motcua::store {
namespace {

class HistoryTest : public StoreTest {
 protected:
  void AddMany(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      ASSERT_TRUE(Wait(Add(kId, "request-" + std::to_string(i), static_cast<uint32_t>(i % 7))).ok());
    }
  }
  std::string ListKey() { return store_.Keys("H30").History(KeyOf(kId)); }
};

TEST_F(HistoryTest, EveryLineIsThereHoweverManyChunksItTakes) {
  for (int lines = 1; lines <= 60; ++lines) {
    AddMany(lines - 1, 1);
    common::v1::History history = History(kId);
    ASSERT_TRUE(history.verified()) << lines;
    ASSERT_EQ(history.entries_size(), lines);
    for (int i = 0; i < lines; ++i) EXPECT_EQ(history.entries(i).note(), std::to_string(i % 7));
  }
  EXPECT_LT(Ask("LLEN", ListKey()).integer(), 10) << "chunks, not lines";
}

TEST_F(HistoryTest, ALineThatIsMissingOrForgedShows) {
  AddMany(0, 30);
  redis::Command first("LINDEX");
  first.Arg(ListKey()).Arg(0);
  std::string chunk = Ask(std::move(first)).text();
  chunk.back() ^= 1;
  redis::Command forge("LSET");
  forge.Arg(ListKey()).Arg(0).Arg(chunk);
  Ask(std::move(forge));
  EXPECT_FALSE(History(kId).verified());
  Ask("LPOP", ListKey());
  EXPECT_FALSE(History(kId).verified());
  Ask("DEL", ListKey());
  EXPECT_FALSE(History(kId).verified());
}

TEST_F(HistoryTest, AChunkThatIsNotOneShows) {
  AddMany(0, 30);
  redis::Command forge("LSET");
  forge.Arg(ListKey()).Arg(0).Arg("\xff\xff\xff");
  Ask(std::move(forge));
  EXPECT_FALSE(History(kId).verified());
}

TEST_F(HistoryTest, ATailOfAnyLengthIsTaken) {
  Session session(store_, "H30");
  ASSERT_TRUE(Wait(session.FetchToChange({KeyOf(kId)}, Soon())).ok());
  Context context(clock_.Now(), common::v1::Actor());
  Decision<Ledger::Record> decision = *Ledger::Add(nullptr, context, kId, 1, "a");
  for (int i = 0; i < 5000; ++i) {
    common::v1::HistoryEntry line;
    line.set_action("Added");
    line.set_note(std::string(static_cast<size_t>(i % 1000), 'x'));
    decision.history.push_back(line);
  }
  loop_.RunAndWait([&] { session.Apply<Ledger>(kId, std::move(decision)); });
  ASSERT_EQ(Wait(session.Commit(Soon()))->kind, CommitOutcome::Kind::kCommitted);
  AddMany(0, 3);
  EXPECT_TRUE(History(kId).verified());
  EXPECT_EQ(History(kId).entries_size(), 5004);
}

// A reader that has the record and reads the list only after others have moved its tail there.
TEST_F(HistoryTest, AReaderIsNotConfusedByWhatIsWrittenMeanwhile) {
  for (int before = 0; before < 20; ++before) {
    AddMany(before * 20, 1);
    Session session(store_, "H30");
    ASSERT_TRUE(Wait(session.Fetch({KeyOf(kId)}, Soon())).ok());
    const uint32_t lines = session.Find<Ledger>(kId)->history_length();
    AddMany(before * 20 + 1, 13);
    auto history = Wait(session.ReadHistory<Ledger>(kId, 10000, Soon()));
    ASSERT_TRUE(history.ok());
    EXPECT_TRUE(history->verified()) << lines;
    EXPECT_EQ(history->entries_size(), static_cast<int>(lines));
  }
}

}  // namespace
}  // namespace motcua::store
