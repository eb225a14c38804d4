// Pipeline: one node of Redis as a Client sees it: keeps a link to it alive, greets it, and matches replies
// to the coroutines that wait for them.
//
// States: waiting for an address -> connecting (a link is being opened, then greeted: see below) -> ready ->
// pausing (before the next attempt, full-jitter backoff) -> ...; closed for good by Shutdown.
//
// The greeting: AUTH, PING (a server that loads its data refuses it), ROLE.
// Only then is the link ready. A node that takes no writes never is. ROLE is the heartbeat, too: who is
// demoted while its links live is given up at the next one.
//
// Thread-safety: confined to the loop, but for connected().
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/random/random.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/waiter.h"
#include "common/redis/client.h"
#include "common/redis/link.h"
#include "common/redis/reply.h"

namespace motcua::redis {

// What the pipelines of one client, and of its siblings, have in common. Counters: any thread.
struct PipelineShared {
  explicit PipelineShared(Options given) : options(std::move(given)) {}

  const Options options;
  absl::AnyInvocable<void(absl::Duration)> on_round_trip;  // on the loop

  // Written on the loop alone.
  std::atomic<uint64_t> commands{0};
  std::atomic<uint64_t> late_replies{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> disconnects{0};
  std::atomic<uint64_t> script_loads{0};
  std::atomic<uint64_t> in_flight{0};

  void SetLastError(const absl::Status& why);
  absl::Status last_error() const;
  static void Add(std::atomic<uint64_t>& counter, uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

 private:
  mutable std::mutex mutex_;
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
};

class Pipeline final : public std::enable_shared_from_this<Pipeline>, private Link::Listener {
 public:
  enum class Kind {
    kPrimary,   // for commands
    kConfirm,   // for WAIT beside one of these
    kAnyNode,   // of a cluster, to be asked for the slots: its role does not matter
    kSentinel,  // one that knows no users is asked without
  };

  // Outlives the pipeline, or Shutdown comes first.
  class Owner {
   public:
    // The next attempt is due: where to? Nothing: ConnectTo will be called.
    virtual std::optional<Address> WhereTo(Pipeline& pipeline) = 0;
    // Ready, or no more. Called when connected() has changed, on the loop.
    virtual void OnReady(Pipeline& pipeline, bool ready) = 0;
    // An attempt or a link has failed.
    virtual void OnFailure(Pipeline&) {}

   protected:
    ~Owner() = default;
  };

  Pipeline(async::Loop& loop, Kind kind, std::shared_ptr<PipelineShared> shared, std::string user,
           Owner& owner);
  ~Pipeline();

  // Begins the first attempt.
  void Start();
  // Answers WhereTo. A link to somewhere else is given up for it.
  void ConnectTo(const Address& address);
  // Gives the link up and connects anew.
  void Drop(const absl::Status& why);
  // Fails everything in flight; nothing happens afterwards.
  void Shutdown();
  // A coroutine's wait for one reply; a local of the coroutine. Its destruction leaves the slot in place.
  class PendingReply {
   public:
    PendingReply(async::Loop& loop, absl::Time deadline, const async::CancelToken& cancel)
        : waiter(loop, deadline, cancel) {}
    PendingReply(const PendingReply&) = delete;
    PendingReply& operator=(const PendingReply&) = delete;
    ~PendingReply();

    async::Waiter waiter;
    Reply reply;

   private:
    friend class Pipeline;
    Pipeline* pipeline_ = nullptr;  // while its slot is there
    uint64_t slot_ = 0;
  };

  // Sends one command, formatted by `append`, and assigns its reply to `pending`. A failure to send is
  // returned.
  template <class Append>
  absl::Status Send(PendingReply& pending, Append append) {
    absl::Status admitted = Admit();
    if (!admitted.ok()) return admitted;
    PipelineShared::Add(shared_->commands, 1);
    Put(pending, append);
    return absl::OkStatus();
  }

  // The same with ASKING before it.
  template <class Append>
  absl::Status SendAsking(PendingReply& pending, Append append) {
    absl::Status admitted = Admit();
    if (!admitted.ok()) return admitted;
    PipelineShared::Add(shared_->commands, 1);
    SendOwn(Asked::kAsking, Command("ASKING"));
    Put(pending, append);
    return absl::OkStatus();
  }

  // A command of the owner's own, which waits for nobody and counts nowhere.
  // The pipeline is kept for as long.
  static async::Task<absl::StatusOr<Reply>> Ask(std::shared_ptr<Pipeline> pipeline, Command command,
                                                absl::Time deadline);

  async::Loop& loop() { return loop_; }
  Kind kind() const { return kind_; }
  bool connected() const { return connected_.load(std::memory_order_acquire); }
  bool closed() const { return state_ == State::kClosed; }
  // Nothing is unanswered.
  bool idle() const { return slots_.empty(); }
  // Of the attempt or link that is, or the last one.
  const Address& address() const { return address_; }
  // Which link it is, counted over all pipelines of the client and its siblings; 0: none was ready yet.
  uint64_t link_number() const { return link_number_; }
  // Which history of the data the primary has (see internal::HistoryOf) since the link was greeted; empty
  // where no replicas are waited for.
  const std::string& history() const { return history_; }

 private:
  // What asked for a reply.
  enum class Asked : uint8_t { kCaller, kAuth, kPing, kRole, kHistory, kAsking };
  // The place of one command in the order of replies.
  struct Slot {
    PendingReply* pending = nullptr;  // null: own command, or its caller has gone
    uint64_t offset = 0;              // of its first byte in the link's stream
    Asked asked = Asked::kCaller;
    int64_t sent_at = 0;  // nanoseconds of the monotonic clock; 0: not sampled
  };
  enum class State { kIdle, kAwaitingAddress, kConnecting, kReady, kPausing, kClosed };

  template <class Append>
  void Put(PendingReply& pending, Append append) {
    pending.slot_ = AddSlot(&pending, Asked::kCaller);
    pending.pipeline_ = this;
    append(link_->out());
    link_->Written();
  }
  bool takes_writes() const { return kind_ == Kind::kPrimary || kind_ == Kind::kConfirm; }
  absl::Status Admit();
  uint64_t AddSlot(PendingReply* pending, Asked asked);
  void SendOwn(Asked asked, const Command& command);

  void OnLinkUp() override;
  void OnLinkReply(Reply reply) override;
  void OnLinkDown(absl::Status why) override;

  void Connect();
  void Open();
  void OnOwnReply(Asked asked, const Reply& reply);
  absl::Status Judge(Asked asked, const Reply& reply);
  void BecomeReady();
  void CloseLink(const absl::Status& why);
  void Pause();
  void OnHeartbeat();
  void StopTimer(async::TimerId* timer);

  async::Loop& loop_;
  const Kind kind_;
  const std::shared_ptr<PipelineShared> shared_;
  const std::string user_;
  Owner& owner_;
  State state_ = State::kIdle;
  Address address_;
  Link::Handle link_;
  std::deque<Slot> slots_;
  uint64_t first_slot_ = 0;  // number of slots_.front()
  int greetings_left_ = 0;   // own replies before the link counts as answered
  uint64_t link_number_ = 0;
  std::string history_;
  int failures_ = 0;  // attempts in a row
  int unanswered_pings_ = 0;
  async::TimerId attempt_timer_;  // the attempt's limit, or the pause before the next
  async::TimerId ping_timer_;
  absl::BitGen random_;
  std::atomic<bool> connected_{false};
};

}  // namespace motcua::redis
