// What each service exports, as its golden file says. Dashboards and alerts rest on these names, labels and
// texts: a change here is a change of the contract with operators, and of docs/operations.md.
//
// MOTCUA_WRITE_GOLDEN=1 observe_test   writes the files anew
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/system.h"

namespace motcua {
namespace {

constexpr const char* kServices[] = {"intake", "routing", "deadline-monitor", "notification"};

// What a scrape got of each service.
std::map<std::string, std::string> Scrapes(const std::string& output) {
  std::map<std::string, std::string> scrapes;
  std::istringstream lines(output);
  std::string service;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("== ")) {
      service = line.substr(3);
    } else if (!service.empty()) {
      scrapes[service] += line + "\n";
    }
  }
  return scrapes;
}

// The names of the labels of a sample, sorted; those of a metric's own making left out.
std::string LabelsOf(const std::string& sample) {
  std::set<std::string> names;
  bool quoted = false;
  std::string word;
  const size_t open = sample.find('{');
  for (size_t i = open + 1; open != std::string::npos && i < sample.size() && (quoted || sample[i] != '}');
       ++i) {
    if (sample[i] == '"') quoted = !quoted;
    if (quoted || sample[i] == '"') continue;
    if (sample[i] == '=') {
      if (word != "le" && word != "quantile") names.insert(word);
      word.clear();
    } else if (sample[i] != ',') {
      word += sample[i];
    }
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  return list.empty() ? "" : "{" + list + "}";
}

// Line for line `name{labels} type: help`, sorted.
std::string Contract(const std::string& scrape) {
  std::map<std::string, std::string> helps, types;
  std::map<std::string, std::set<std::string>> labels;
  std::istringstream lines(scrape);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::istringstream words(line);
    std::string mark, what;
    words >> mark >> what;
    if (mark == "#") {
      words >> name;
      std::string rest;
      std::getline(words >> std::ws, rest);
      (what == "HELP" ? helps : types)[name] = rest;
    } else if (!name.empty() && line.starts_with(name)) {
      labels[name].insert(LabelsOf(line));
    }
  }
  std::string contract;
  for (const auto& [metric, type] : types) {
    for (const std::string& set : labels[metric])
      contract += metric + set + " " + type + ": " + helps[metric] + "\n";
  }
  return contract;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// On the system's clock, with something done, so that every metric has a value.
std::string Observe() {
  return test::OnSystem(
             "motcua reference apply deploy/reference >/dev/null && "
             "motcua file H30.18.05 1.014027 --name Hoa --as H30.18.05-intake@H30.18.05:intake >/dev/null && "
             // Twice and a third time, because the sampler looks once a second at what the others have told
             // of.
             "scrape() { exec 3<>/dev/tcp/127.0.0.1/$1 && printf \"GET /metrics HTTP/1.0\\r\\n\\r\\n\" >&3 "
             "&& "
             "cat <&3 && exec 3>&-; } && "
             "known() { scrape $1 | grep -q \"^$2\"; } && "
             "for s in ${SERVICES[@]}; do "
             "wait_for 20 known ${METRICS[$s]} \"motcua_feed_position{shard=.H30\" && "
             "wait_for 20 known ${METRICS[$s]} \"motcua_consumer_lag_seconds{shard=.H30\" || exit 3; done && "
             "wait_for 20 known ${METRICS[deadline-monitor]} motcua_timer_oldest_unfired_seconds && "
             "for s in ${SERVICES[@]}; do motcua status --service $s >/dev/null; echo \"== $s\"; "
             "scrape ${METRICS[$s]}; echo; done",
             "SERVICE_FLAGS=() && declare -A METRICS && for s in ${SERVICES[@]}; do "
             "METRICS[$s]=$(free_port); "
             "EXTRA_FLAGS[$s]=--metrics_listen=127.0.0.1:${METRICS[$s]}; done")
      .output;
}

TEST(Observe, EachServiceExportsWhatItsGoldenFileSays) {
  const std::string output = Observe();
  const std::map<std::string, std::string> scrapes = Scrapes(output);
  for (const char* service : kServices) {
    ASSERT_TRUE(scrapes.contains(service)) << output;
    const std::string path =
        std::string(MOTCUA_SOURCE_DIR "/tests/integration/observe/metrics/") + service + ".txt";
    const std::string contract = Contract(scrapes.at(service));
    if (std::getenv("MOTCUA_WRITE_GOLDEN") != nullptr) std::ofstream(path) << contract;
    EXPECT_EQ(contract, ReadFile(path)) << service;
  }
}

}  // namespace
}  // namespace motcua
