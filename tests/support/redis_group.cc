#include "tests/support/redis_group.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/support/wait.h"

namespace motcua::test {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << "these servers do not come up: " << what << std::endl;
  std::abort();
}

std::string Run(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string answer;
  char buffer[4096];
  for (size_t size = fread(buffer, 1, sizeof(buffer), pipe); size > 0;
       size = fread(buffer, 1, sizeof(buffer), pipe)) {
    answer.append(buffer, size);
  }
  pclose(pipe);
  return answer;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// A replica that has just been filled is sent nothing until it has said so, which may take a second.
bool InStep(const RedisProcess& server, int replicas) {
  const std::string said = Run(absl::StrCat("printf 'set probe 1\\nwait ", replicas,
                                            " 1000\\n' | redis-cli -p ", server.port(), " 2>&1"));
  return said == absl::StrCat("OK\n", replicas, "\n");
}

}  // namespace

std::string RedisCli(int port, const std::string& arguments) {
  return Run(absl::StrCat("redis-cli -p ", port, " ", arguments, " 2>&1"));
}

uint64_t CallsOf(const std::string& command, int port) {
  const std::string stats = RedisCli(port, "info commandstats");
  const size_t at = stats.find("cmdstat_" + command + ":calls=");
  return at == std::string::npos ? 0 : std::stoull(stats.substr(stats.find('=', at) + 1));
}

SentinelProcess::SentinelProcess(int primary_port, int quorum, int place) {
  // As in deploy/container/sentinel, which tells why it must not be less.
  const int down_after_ms = 5000 + 500 * place;
  // Another program may take the port between our look and the server's bind: then look again.
  for (int attempt = 0; attempt < 5 && Knows("ip").empty(); ++attempt) {
    Kill9();
    port_ = FreePort();
    std::ofstream(dir_.File("sentinel.conf"))
        << "port " << port_ << "\nbind 127.0.0.1\ndir " << dir_.path() << "\nlogfile " << dir_.File("log")
        << "\nsentinel monitor motcua 127.0.0.1 " << primary_port << " " << quorum
        << "\nsentinel down-after-milliseconds motcua " << down_after_ms
        << "\nsentinel failover-timeout motcua 10000\n";
    pid_ = StartChild({"redis-server", dir_.File("sentinel.conf"), "--sentinel"});
    WaitUntil([this] { return !Knows("ip").empty(); }, absl::Seconds(10));
  }
  Require(!Knows("ip").empty(), "a Sentinel");
}

SentinelProcess::~SentinelProcess() { Kill9(); }

void SentinelProcess::Kill9() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void SentinelProcess::Pause() { kill(pid_, SIGSTOP); }

void SentinelProcess::Resume() { kill(pid_, SIGCONT); }

std::string SentinelProcess::Knows(const std::string& field) const {
  if (pid_ <= 0) return "";
  std::istringstream lines(RedisCli(port_, "sentinel master motcua"));
  for (std::string name, value; std::getline(lines, name) && std::getline(lines, value);) {
    if (name == field) return value;
  }
  return "";
}

RedisReplicas::RedisReplicas(int replicas, int sentinels, const std::vector<std::string>& extra_arguments) {
  std::vector<std::string> arguments = extra_arguments;
  arguments.insert(arguments.end(), {"--repl-diskless-sync-delay", "0"});
  servers_.push_back(std::make_unique<RedisProcess>(arguments));
  arguments.insert(arguments.end(), {"--replicaof", "127.0.0.1", std::to_string(servers_.front()->port())});
  for (int i = 0; i < replicas; ++i) servers_.push_back(std::make_unique<RedisProcess>(arguments));
  Require(WaitUntil([&] { return InStep(server(0), replicas); }, kPatience), "replicas");
  for (int i = 0; i < sentinels; ++i) {
    sentinels_.push_back(std::make_unique<SentinelProcess>(servers_.front()->port(), sentinels / 2 + 1, i));
  }
  for (const std::unique_ptr<SentinelProcess>& sentinel : sentinels_) {
    const auto knows_all = [&] {
      return sentinel->Knows("num-slaves") == std::to_string(replicas) &&
             sentinel->Knows("num-other-sentinels") == std::to_string(sentinels - 1);
    };
    Require(WaitUntil(knows_all, kPatience), "Sentinels that know each other");
  }
}

std::string RedisReplicas::address() const {
  std::string address = "sentinel://motcua@";
  for (const std::unique_ptr<SentinelProcess>& sentinel : sentinels_) {
    absl::StrAppend(&address, address.back() == '@' ? "" : ",", "127.0.0.1:", sentinel->port());
  }
  return address;
}

size_t RedisReplicas::primary() const {
  std::string port;
  for (const std::unique_ptr<SentinelProcess>& sentinel : sentinels_) {
    const std::string named = sentinel->Knows("port");
    if (named.empty()) continue;
    if (!port.empty() && port != named) return size();
    port = named;
  }
  for (size_t i = 0; i < size(); ++i) {
    if (std::to_string(servers_[i]->port()) == port) return i;
  }
  return size();
}

RedisCluster::RedisCluster(int primaries) {
  std::string nodes;
  for (int i = 0; i < 2 * primaries; ++i) {
    servers_.push_back(std::make_unique<RedisProcess>(std::vector<std::string>{
        "--cluster-enabled", "yes", "--cluster-port", std::to_string(FreePort()), "--cluster-node-timeout",
        "1500", "--repl-diskless-sync-delay", "0", "--cluster-allow-replica-migration", "no"}));
    absl::StrAppend(&nodes, " 127.0.0.1:", servers_.back()->port());
  }
  const std::string created =
      RedisCli(servers_.front()->port(),
               absl::StrCat("--cluster create", nodes, " --cluster-replicas 1 --cluster-yes"));
  Require(WaitUntil([this] { return Healthy(); }, kPatience), "a cluster: " + created);
}

std::string RedisCluster::address() const {
  std::string address = "cluster://";
  for (const std::unique_ptr<RedisProcess>& server : servers_) {
    absl::StrAppend(&address, address.back() == '/' ? "" : ",", server->tcp_address());
  }
  return address;
}

size_t RedisCluster::OwnerOf(int slot) const {
  for (const std::unique_ptr<RedisProcess>& asked : servers_) {
    if (!asked->running()) continue;
    std::istringstream lines(RedisCli(asked->port(), "cluster nodes"));
    for (std::string line; std::getline(lines, line);) {
      // id host:port@bus flags primary ping pong epoch link slot slot-slot ...
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      for (size_t i = 8; i < words.size(); ++i) {
        const std::vector<std::string> range = absl::StrSplit(words[i], '-');
        int first = 0;
        int last = 0;
        if (!absl::SimpleAtoi(range.front(), &first) || !absl::SimpleAtoi(range.back(), &last)) continue;
        if (slot < first || slot > last) continue;
        for (size_t owner = 0; owner < size(); ++owner) {
          if (words[1].rfind(servers_[owner]->tcp_address() + "@", 0) == 0) return owner;
        }
      }
    }
  }
  return size();
}

std::string RedisCluster::IdOf(size_t i) const {
  const std::string id = RedisCli(servers_[i]->port(), "cluster myid");
  return id.substr(0, id.find('\n'));
}

bool RedisCluster::Healthy() const {
  return std::all_of(servers_.begin(), servers_.end(), [](const std::unique_ptr<RedisProcess>& server) {
    if (!server->running()) return true;
    if (RedisCli(server->port(), "cluster info").find("cluster_state:ok") == std::string::npos) return false;
    const std::string info = RedisCli(server->port(), "info replication");
    return info.find("role:master") == std::string::npos
               ? info.find("master_link_status:up") != std::string::npos
               : Count(info, "state=online") == 1;
  });
}

}  // namespace motcua::test
