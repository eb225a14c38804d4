// Pipeline: the state behind a Client: keeps a link alive, matches replies to the coroutines that wait for them.
//
// States: connecting (a link is being opened, then greeted with AUTH and PING) -> ready -> waiting (for the next
// attempt, full-jitter backoff) -> connecting; closed for good by Shutdown.
//
// Thread-safety: confined to the loop, but for connected(), stats() and options().
#ifndef MOTCUA_COMMON_REDIS_PIPELINE_H_
#define MOTCUA_COMMON_REDIS_PIPELINE_H_

#include <absl/functional/any_invocable.h>
#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/waiter.h"
#include "common/redis/client.h"
#include "common/redis/link.h"
#include "common/redis/reply.h"

namespace motcua::redis {

class Client::Pipeline final : public std::enable_shared_from_this<Client::Pipeline>, private Link::Listener {
 public:
  Pipeline(async::Loop& loop, Options options);
  ~Pipeline();

  void Connect();
  /// Fails everything in flight; nothing happens afterwards.
  void Shutdown();

  /// A coroutine's wait for one reply; a local of the coroutine. Its destruction leaves the slot in place.
  class PendingReply {
   public:
    PendingReply(Pipeline& pipeline, absl::Time deadline, const async::CancelToken& cancel)
        : waiter(pipeline.loop_, deadline, cancel), pipeline_(pipeline) {}
    PendingReply(const PendingReply&) = delete;
    PendingReply& operator=(const PendingReply&) = delete;
    ~PendingReply();

    async::Waiter waiter;
    Reply reply;

   private:
    friend class Pipeline;
    Pipeline& pipeline_;
    uint64_t slot_ = 0;
    bool in_slot_ = false;
  };

  /// Sends one command, formatted by `append`, and assigns its reply to `pending`. A failure to send is returned.
  template <class Append>
  absl::Status Send(PendingReply& pending, Append append) {
    absl::Status admitted = Admit();
    if (!admitted.ok()) return admitted;
    commands_.fetch_add(1, std::memory_order_relaxed);
    pending.slot_ = AddSlot(&pending);
    pending.in_slot_ = true;
    append(link_->out());
    link_->Written();
    return absl::OkStatus();
  }

  void CountScriptLoad() { script_loads_.fetch_add(1, std::memory_order_relaxed); }
  void AddObserver(absl::AnyInvocable<void(bool)> observer);
  void ObserveRoundTrips(absl::AnyInvocable<void(absl::Duration)> observer) {
    on_round_trip_ = std::move(observer);
  }
  absl::Status last_error() const;

  async::Loop& loop() { return loop_; }
  async::Event& ready() { return ready_; }
  const Options& options() const { return options_; }
  bool connected() const { return connected_.load(std::memory_order_acquire); }
  ClientStats stats() const;

 private:
  // The place of one command in the order of replies.
  struct Slot {
    PendingReply* pending = nullptr;  // null: own command (AUTH, PING), or its caller has gone
    uint64_t offset = 0;              // of its first byte in the link's stream
    bool own = false;
    int64_t sent_at = 0;  // nanoseconds of the monotonic clock; 0: not sampled
  };

  absl::Status Admit();
  uint64_t AddSlot(PendingReply* pending);
  void SendOwn(const Command& command);

  void OnLinkUp() override;
  void OnLinkReply(Reply reply) override;
  void OnLinkDown(absl::Status why) override;

  void OnGreeting(const Reply& reply);
  void SetConnected(bool connected);
  void Drop(const absl::Status& why);
  void ScheduleConnect();
  void StartHeartbeat();
  void OnHeartbeat();
  void StopTimer(async::TimerId* timer);

  async::Loop& loop_;
  const Options options_;
  const absl::StatusOr<Address> address_;
  async::Event ready_;
  Link::Handle link_;
  std::deque<Slot> slots_;
  uint64_t first_slot_ = 0;  // number of slots_.front()
  bool shut_down_ = false;
  int greetings_left_ = 0;   // answers to AUTH and PING before the link counts as ready
  int failures_ = 0;         // attempts in a row
  int unanswered_pings_ = 0;
  async::TimerId attempt_timer_;  // the attempt's limit, or the pause before the next
  async::TimerId ping_timer_;
  absl::BitGen random_;
  std::vector<absl::AnyInvocable<void(bool)>> observers_;
  absl::AnyInvocable<void(absl::Duration)> on_round_trip_;

  mutable std::mutex mutex_;
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> connected_{false};
  std::atomic<uint64_t> commands_{0};
  std::atomic<uint64_t> late_replies_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> connects_{0};
  std::atomic<uint64_t> disconnects_{0};
  std::atomic<uint64_t> script_loads_{0};
  std::atomic<uint64_t> in_flight_{0};
};

}  // namespace motcua::redis

#endif  // MOTCUA_COMMON_REDIS_PIPELINE_H_
