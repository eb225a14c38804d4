// Wakes those who follow an inbox when this replica has committed something to it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"

namespace motcua::notification {

// Only hastens what its users would find out by looking: a wake-up may come for nothing or fail to come.
// Confined to the loop; outlives its watchers.
class InboxWatch {
 public:
  explicit InboxWatch(async::Loop& loop) : loop_(loop) {}

  // Shard and recipient.
  using Key = std::pair<std::string, std::string>;

  // One follower of some inboxes; ends with its scope. Between two waits nothing is missed: a wake-up is kept
  // for the next.
  class Watcher {
   public:
    explicit Watcher(InboxWatch& watch) : watch_(watch), woken_(watch.loop_) {}
    ~Watcher() {
      for (const auto& entry : entries_) watch_.watchers_.erase(entry);
    }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // Each inbox once.
    void Follow(std::string shard, std::string recipient) {
      entries_.push_back(watch_.watchers_.emplace(Key(std::move(shard), std::move(recipient)), this));
    }

    // Until woken, at the latest `deadline`. CANCELLED by the token; else OK.
    async::Task<absl::Status> Wait(absl::Time deadline, async::CancelToken cancel) {
      absl::Status woken = co_await woken_.Wait(deadline, cancel);
      woken_.Reset();
      co_return absl::IsCancelled(woken) ? woken : absl::OkStatus();
    }

   private:
    friend class InboxWatch;
    InboxWatch& watch_;
    std::vector<std::multimap<Key, Watcher*>::iterator> entries_;
    async::Event woken_;
  };

  bool empty() const { return watchers_.empty(); }
  void Wake(const std::string& shard, const std::vector<std::string>& recipients) {
    for (const std::string& recipient : recipients) {
      const auto [begin, end] = watchers_.equal_range(std::make_pair(shard, recipient));
      for (auto entry = begin; entry != end; ++entry) entry->second->woken_.Set();
    }
  }

 private:
  async::Loop& loop_;
  std::multimap<Key, Watcher*> watchers_;
};

}  // namespace motcua::notification
