// Load: officers that change records all the time, and count what they were told.
//
//   Load load(store, {"H30", "H31"}, /*per_shard=*/2);
//   load.Start(loop);
//   ... faults ...
//   load.Stop(loop);
//   EXPECT_TRUE(load.Check(loop).ok());     // nothing acknowledged is lost, nothing is done twice
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/store/store.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::store {

class Load {
 public:
  using Response = routing::v1::CompleteWorkResponse;

  // Each account is one officer's, who adds 1 to it again and again; each time with one request id until told
  // that it is done.
  Load(async::Loop& loop, Store& store, const std::vector<std::string>& shards, int per_shard);

  void Start();
  // Returns when every officer has been told.
  void Stop();

  uint64_t acknowledged() const { return acknowledged_.load(); }
  uint64_t acknowledged(const std::string& shard) const;
  // Calls that failed so that they may be repeated, and those that failed in another way.
  uint64_t repeated() const { return repeated_.load(); }
  absl::Status failed() const { return failed_; }
  // Each account holds exactly what was acknowledged, and its history tells of each.
  absl::Status Check();

  // Adds 1 to an account under a request id.
  static async::Task<absl::StatusOr<Response>> Add(Store* store, std::string shard, std::string id,
                                                   std::string request_id, absl::Duration patience);

 private:
  struct Account {
    std::string shard;
    std::string id;
    std::atomic<uint64_t> added{0};
  };
  async::Task<void> Work(Account* account);
  async::Task<absl::Status> CheckAccount(const Account* account);

  async::Loop& loop_;
  Store& store_;
  std::vector<std::unique_ptr<Account>> accounts_;
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> repeated_{0};
  absl::Status failed_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> working_{0};
};

}  // namespace motcua::store
