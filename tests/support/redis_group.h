// Several redis-servers of one test: a primary with replicas and Sentinels, or a cluster. Like RedisProcess:
// durable, on free ports, in directories of their own, dead with the thread that started them.
//
//   RedisReplicas redis(/*replicas=*/2, /*sentinels=*/3);
//   options.address = redis.address();      // sentinel://...
//   redis.server(redis.primary()).Kill9();
//
// What does not come up in time ends the test program.
// Not thread-safe. Linux only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_process.h"
#include "tests/support/temp_dir.h"

namespace motcua::test {

// What redis-cli answers to `arguments`, which a shell reads, from the server at `port`.
std::string RedisCli(int port, const std::string& arguments);
// How often it has been called there so far: `xread`.
uint64_t CallsOf(const std::string& command, int port);

// One Sentinel that watches one primary under the name `motcua`.
class SentinelProcess {
 public:
  // `quorum`: so many must agree that the primary is down. `place` among the others, from 0: as in
  // production, each waits longer than the one before, because those that notice at once promote two
  // servers.
  SentinelProcess(int primary_port, int quorum, int place);
  ~SentinelProcess();
  SentinelProcess(const SentinelProcess&) = delete;
  SentinelProcess& operator=(const SentinelProcess&) = delete;

  int port() const { return port_; }
  void Kill9();
  void Pause();
  void Resume();
  // The value of a field of SENTINEL MASTER; empty where it does not answer.
  std::string Knows(const std::string& field) const;

 private:
  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

class RedisReplicas {
 public:
  // Returns when the replicas are in step and the Sentinels know each other and them.
  explicit RedisReplicas(int replicas, int sentinels = 0,
                         const std::vector<std::string>& extra_arguments = {});

  RedisProcess& server(size_t i) { return *servers_[i]; }
  SentinelProcess& sentinel(size_t i) { return *sentinels_[i]; }
  size_t size() const { return servers_.size(); }
  // `sentinel://motcua@...`
  std::string address() const;
  // Of the server that the Sentinels name; size() where they do not agree or name none.
  size_t primary() const;

 private:
  std::vector<std::unique_ptr<RedisProcess>> servers_;
  std::vector<std::unique_ptr<SentinelProcess>> sentinels_;
};

class RedisCluster {
 public:
  // `primaries` nodes with slots and a replica for each.
  explicit RedisCluster(int primaries);

  RedisProcess& server(size_t i) { return *servers_[i]; }
  size_t size() const { return servers_.size(); }
  // `cluster://...`
  std::string address() const;
  // Of the server that has the slot, as a running one says; size() where nobody does.
  size_t OwnerOf(int slot) const;
  std::string IdOf(size_t i) const;
  // Every running node says that the cluster serves, and each primary has a replica in step.
  bool Healthy() const;

 private:
  std::vector<std::unique_ptr<RedisProcess>> servers_;
};

}  // namespace motcua::test
