#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "common/store/entry_check.h"
#include "common/store/index_builder.h"
#include "common/store/registry.h"
#include "motcua/internal/routing/records.pb.h"
#include "tests/integration/store/store_fixture.h"
#include "tests/support/wait.h"

namespace motcua::store {

using Route = routing::v1::Route;

// Definition 1: accounts by balance in their box, the rich ones besides, and how many there are of each.
struct Before {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";
  static void IndexesOf(const Record& record, IndexSink& indexes) {
    const Route& route = record.route();
    indexes.Add("box:", route.holder(), route.dossier(), route.work_done());
    if (route.work_done() >= 50) indexes.Add("rich", route.dossier(), route.work_done());
  }
  static void CountersOf(const Record& record, CounterSink& counters) {
    counters.Add("accounts", 1);
    counters.Add("sum", record.route().work_done());
    counters.AddTo("boxes", "in:", record.route().holder(), 1);
  }
};

// Definition 2: the richest first in the box, the poor instead of the rich, another sum.
struct After {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";
  using Previous = Before;
  static void IndexesOf(const Record& record, IndexSink& indexes) {
    const Route& route = record.route();
    indexes.Add("box:", route.holder(), route.dossier(), -static_cast<double>(route.work_done()));
    if (route.work_done() < 50) indexes.Add("poor:", route.holder(), route.dossier(), route.work_done());
  }
  static void CountersOf(const Record& record, CounterSink& counters) {
    counters.Add("accounts", 1);
    counters.Add("sum", 2 * static_cast<int64_t>(record.route().work_done()));
    counters.AddTo("sums", "of:", record.route().holder(), record.route().work_done());
  }
};

inline Definition One() { return Definition(1, {&KindOf<Before>()}, {"boxes"}); }
inline Definition Two() {
  return Definition(2, {&KindOf<After>()}, {"boxes", "sums"}, {"poor:", Definition::CountersName("sums")});
}

// Everything that indexes and counters hold: `x2:box:a/<member>` and `n2:sums/<field>` with their figures.
using Entries = std::map<std::string, double>;

class DefinitionTest : public StoreTest {
 protected:
  static constexpr absl::Duration kLease = absl::Milliseconds(30);

  void SetUp() override {
    StoreTest::SetUp();
    store_.SetDefinition(One(), kLease);
    ASSERT_TRUE(Wait(second_.client.WaitConnected(Soon())).ok());
    second_.store.SetDefinition(Two(), kLease);
  }

  static std::string IdOf(uint32_t number) { return absl::StrFormat("H30.18.05-260714-%04d", number); }

  // Adds to an account by a program that has `Model`'s definition.
  template <class Model>
  absl::Status Put(Store& store, const std::string& id, uint32_t amount, const std::string& box) {
    routing::v1::CompleteWorkRequest request;
    request.set_request_id(absl::StrFormat("request-%d", ++requests_));
    request.set_dossier(id);
    Decide<Model> decide = [&](const typename Model::Record* record, const Context& context) {
      return Ledger::Add(record, context, id, amount, box);
    };
    Answer<Model, Response> answer = [](const typename Model::Record&, Response&) {};
    auto mutate = Mutate<Model, routing::v1::CompleteWorkRequest, Response>(
        store, Officer(), request, "H30", id, std::move(decide), std::move(answer));
    return Wait(std::move(mutate)).status();
  }

  void Populate(uint32_t accounts) {
    for (uint32_t i = 0; i < accounts; ++i) {
      ASSERT_TRUE(Put<Before>(store_, IdOf(i), i % 90, "box" + std::to_string(i % 4)).ok());
    }
  }

  std::vector<std::string> AllKeys() {
    const redis::Reply reply = Ask("KEYS", "ro:{H30}:*");
    std::vector<std::string> keys;
    for (const redis::Reply& key : reply.items()) keys.push_back(key.text().substr(9));
    return keys;
  }

  // By KEYS and the records as they are: nothing of the store's own knowledge.
  Entries Held(const std::string& definition) {
    Entries entries;
    for (const std::string& key : AllKeys()) {
      const bool index = key.starts_with("x" + definition + ":");
      if (!index && key != "n" + definition && !key.starts_with("n" + definition + ":")) continue;
      redis::Command all(index ? "ZRANGE" : "HGETALL");
      all.Arg("ro:{H30}:" + key);
      if (index) all.Arg(0).Arg(-1).Arg("WITHSCORES");
      const redis::Reply reply = Ask(std::move(all));
      for (size_t i = 0; i + 1 < reply.items().size(); i += 2) {
        double figure = 0;
        EXPECT_TRUE(absl::SimpleAtod(reply.items()[i + 1].text(), &figure));
        // A counter that has come down to nothing is as good as none.
        if (index || figure != 0) entries[key + "/" + reply.items()[i].text()] = figure;
      }
    }
    return entries;
  }
  template <class Model>
  Entries Expected(const std::string& definition) {
    Entries entries;
    for (const std::string& key : AllKeys()) {
      if (!key.starts_with("d:")) continue;
      const Ledger::Record record = Load(key.substr(2));
      IndexSink indexes;
      CounterSink counters;
      Model::IndexesOf(record, indexes);
      Model::CountersOf(record, counters);
      for (size_t i = 0; i < indexes.size(); ++i) {
        entries["x" + definition + ":" + std::string(indexes.index(i)) + "/" +
                std::string(indexes.member(i))] = indexes.score(i);
      }
      for (size_t i = 0; i < counters.size(); ++i) {
        std::string name = "n" + definition;
        if (!counters.group(i).empty()) name += ":" + std::string(counters.group(i));
        entries[name + "/" + std::string(counters.field(i))] += static_cast<double>(counters.delta(i));
      }
    }
    std::erase_if(entries, [](const auto& entry) { return entry.first[0] == 'n' && entry.second == 0; });
    return entries;
  }

  std::string PhaseText() { return Ask("GET", store_.Keys("H30").Definition()).text(); }

  static IndexBuilderOptions SmallSteps() {
    IndexBuilderOptions options;
    options.members_at_once = 1;
    options.records_at_once = 7;
    options.takeover = absl::ZeroDuration();
    return options;
  }
  std::unique_ptr<IndexBuilder> Builder(Store& store, const std::string& owner) {
    return std::make_unique<IndexBuilder>(
        loop_, store, [] { return std::vector<std::string>{"H30"}; }, owner, SmallSteps());
  }
  // One step; whatever error it ends with is another's doing, and is tried again.
  void Step(IndexBuilder& builder) { (void)Wait(builder.Step("H30", Soon())).ok(); }
  void BuildOut(Store& store) {
    const std::unique_ptr<IndexBuilder> builder = Builder(store, "last");
    for (const absl::Time end = absl::Now() + absl::Seconds(60); PhaseText() != "2";) {
      ASSERT_LT(absl::Now(), end) << PhaseText();
      Step(*builder);
    }
  }

  // The box as the definition that is read has it: compared with the records.
  void CheckBox(Store& store, const std::string& box) {
    const absl::StatusOr<IndexPage> page =
        Wait(store.ReadIndex("H30", "box:" + box, Order::kAscending, 1000, "", Soon()));
    ASSERT_TRUE(page.ok()) << page.status();
    std::set<std::string> listed(page->members.begin(), page->members.end()), there;
    for (const std::string& key : AllKeys()) {
      if (key.starts_with("d:") && Load(key.substr(2)).route().holder() == box) there.insert(key.substr(2));
    }
    EXPECT_EQ(listed, there);
  }

  void CheckDone() {
    EXPECT_EQ(PhaseText(), "2");
    EXPECT_EQ(Held("2"), Expected<After>("2"));
    for (const std::string& key : AllKeys()) {
      EXPECT_FALSE(key.starts_with("x1:") || key == "n1" || key.starts_with("n1:")) << key;
      EXPECT_NE(key, "defo");
    }
  }

  int requests_ = 0;
  Process second_{loop_, redis_, clock_};
};

}  // namespace motcua::store
