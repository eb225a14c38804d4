#include "common/redis/pipeline.h"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/role.h"

namespace motcua::redis {
namespace {

// Bits a backoff bound may be shifted by before it has certainly reached any sensible maximum.
constexpr int kMaxDoublings = 20;

// One command in so many has its round trip measured.
constexpr uint64_t kSampledCommands = 16;

int64_t MonotonicNow() { return static_cast<int64_t>(uv_hrtime()); }

}  // namespace

void PipelineShared::SetLastError(const absl::Status& why) {
  std::lock_guard<std::mutex> lock(mutex_);
  last_error_ = why;
}

absl::Status PipelineShared::last_error() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_error_;
}

Pipeline::PendingReply::~PendingReply() {
  if (pipeline_ != nullptr) pipeline_->slots_[slot_ - pipeline_->first_slot_].pending = nullptr;
}

Pipeline::Pipeline(async::Loop& loop, Kind kind, std::shared_ptr<PipelineShared> shared, std::string user,
                   Owner& owner)
    : loop_(loop), kind_(kind), shared_(std::move(shared)), user_(std::move(user)), owner_(owner) {}

Pipeline::~Pipeline() = default;

void Pipeline::Start() {
  if (state_ == State::kIdle) Connect();
}

void Pipeline::Connect() {
  assert(loop_.InLoop());
  StopTimer(&attempt_timer_);
  state_ = State::kAwaitingAddress;
  std::optional<Address> where = owner_.WhereTo(*this);
  if (!where.has_value() || state_ != State::kAwaitingAddress) return;
  address_ = *std::move(where);
  Open();
}

void Pipeline::ConnectTo(const Address& address) {
  if (state_ == State::kIdle || state_ == State::kClosed) return;
  if (state_ != State::kAwaitingAddress && address == address_) return;
  if (link_ != nullptr) CloseLink(internal::Unavailable("the store's primary is another server now"));
  address_ = address;
  Open();
}

void Pipeline::Open() {
  StopTimer(&attempt_timer_);
  state_ = State::kConnecting;
  link_ = Link::Open(loop_, address_, *this);
  attempt_timer_ = loop_.StartTimer(shared_->options.connect_timeout, [this] {
    Drop(internal::Unavailable("the store did not accept the connection in time"));
  });
}

void Pipeline::Shutdown() {
  assert(loop_.InLoop());
  if (state_ == State::kClosed) return;
  CloseLink(internal::Unavailable("the client of the store is closed"));
  StopTimer(&attempt_timer_);
  state_ = State::kClosed;
}

absl::Status Pipeline::Admit() {
  assert(loop_.InLoop());
  if (!connected()) return internal::Unavailable("the store is not connected");
  const Options& options = shared_->options;
  const bool full = slots_.size() >= options.max_in_flight || link_->buffered() >= options.max_buffered_bytes;
  if (!full) return absl::OkStatus();
  PipelineShared::Add(shared_->refused, 1);
  return internal::TooManyInFlight();
}

uint64_t Pipeline::AddSlot(PendingReply* pending, Asked asked) {
  Slot& slot = slots_.emplace_back();
  slot.pending = pending;
  slot.asked = asked;
  slot.offset = link_->bytes_appended();
  const uint64_t number = first_slot_ + slots_.size() - 1;
  if (asked == Asked::kCaller && shared_->on_round_trip && (number + 1) % kSampledCommands == 0)
    slot.sent_at = MonotonicNow();
  PipelineShared::Add(shared_->in_flight, 1);
  return number;
}

void Pipeline::SendOwn(Asked asked, const Command& command) {
  if (state_ == State::kConnecting) ++greetings_left_;
  AddSlot(nullptr, asked);
  command.AppendTo(link_->out());
  link_->Written();
}

async::Task<absl::StatusOr<Reply>> Pipeline::Ask(std::shared_ptr<Pipeline> pipeline, Command command,
                                                 absl::Time deadline) {
  PendingReply pending(pipeline->loop_, deadline, async::CancelToken());
  if (pipeline->state_ != State::kReady) {
    co_return internal::Unavailable("the store is not connected");
  }
  pipeline->Put(pending, [&command](std::string& out) { command.AppendTo(out); });
  absl::Status waited = co_await pending.waiter;
  co_return internal::Outcome(std::move(waited), std::move(pending.reply));
}

void Pipeline::OnLinkUp() {
  const Options& options = shared_->options;
  std::string password = options.password;
  if (!options.password_file.empty()) {
    absl::StatusOr<std::string> read = ReadPasswordFile(options.password_file);
    if (!read.ok()) {
      Drop(internal::NotAuthenticated(std::string(read.status().message())));
      return;
    }
    password = *std::move(read);
  }
  if (!password.empty()) {
    Command auth("AUTH");
    if (!user_.empty()) auth.Arg(user_);
    auth.Arg(password);
    SendOwn(Asked::kAuth, auth);
  }
  SendOwn(Asked::kPing, Command("PING"));
  if (!takes_writes()) return;
  SendOwn(Asked::kRole, Command("ROLE"));
  if (options.min_replicas > 0) SendOwn(Asked::kHistory, Command("INFO").Arg("server").Arg("replication"));
}

void Pipeline::OnLinkReply(Reply reply) {
  unanswered_pings_ = 0;
  if (slots_.empty()) {
    Drop(internal::ProtocolError("the store answered what was not asked"));
    return;
  }
  const Slot slot = slots_.front();
  slots_.pop_front();
  ++first_slot_;
  PipelineShared::Add(shared_->in_flight, static_cast<uint64_t>(-1));
  if (slot.asked != Asked::kCaller) {
    OnOwnReply(slot.asked, reply);
    return;
  }
  if (slot.sent_at != 0) shared_->on_round_trip(absl::Nanoseconds(MonotonicNow() - slot.sent_at));
  const bool wrong_server = reply.is_error() && internal::MeansWrongServer(reply.text());
  if (slot.pending == nullptr) {
    PipelineShared::Add(shared_->late_replies, 1);
  } else {
    slot.pending->pipeline_ = nullptr;
    if (slot.pending->waiter.completed()) {
      PipelineShared::Add(shared_->late_replies, 1);
    } else {
      slot.pending->reply = std::move(reply);
      slot.pending->waiter.Complete(absl::OkStatus());
    }
  }
  if (wrong_server) Drop(internal::Unavailable("the server is not the one that takes writes"));
}

// What an own reply means for the link.
absl::Status Pipeline::Judge(Asked asked, const Reply& reply) {
  if (reply.is_error()) {
    if (asked == Asked::kAuth && kind_ == Kind::kSentinel) return absl::OkStatus();
    return internal::FromErrorReply(reply.text());
  }
  if (asked == Asked::kRole) return internal::CheckPrimary(reply);
  if (asked == Asked::kHistory) {
    history_ = internal::HistoryOf(reply.text());
    if (history_.empty()) return internal::ProtocolError("the store does not tell its history");
  }
  return absl::OkStatus();
}

void Pipeline::OnOwnReply(Asked asked, const Reply& reply) {
  absl::Status judged = Judge(asked, reply);
  if (!judged.ok()) {
    // A heartbeat is answered by any server that lives, also by one that is busy.
    if (state_ == State::kReady && reply.is_error() && !internal::MeansWrongServer(reply.text())) return;
    Drop(judged);
    return;
  }
  if (state_ == State::kConnecting && --greetings_left_ == 0) BecomeReady();
}

void Pipeline::BecomeReady() {
  StopTimer(&attempt_timer_);
  state_ = State::kReady;
  failures_ = 0;
  if (kind_ == Kind::kPrimary) {
    PipelineShared::Add(shared_->connects, 1);
    link_number_ = shared_->connects.load(std::memory_order_relaxed);
  }
  connected_.store(true, std::memory_order_release);
  ping_timer_ = loop_.StartTimer(shared_->options.ping_interval, [this] { OnHeartbeat(); });
  owner_.OnReady(*this, true);
}

void Pipeline::OnLinkDown(absl::Status why) { Drop(why); }

void Pipeline::Drop(const absl::Status& why) {
  if (state_ == State::kClosed || state_ == State::kIdle) return;
  CloseLink(why);
  owner_.OnFailure(*this);
  if (state_ == State::kPausing) Pause();
}

void Pipeline::CloseLink(const absl::Status& why) {
  StopTimer(&attempt_timer_);
  StopTimer(&ping_timer_);
  shared_->SetLastError(why);
  const uint64_t handed_over = link_ == nullptr ? 0 : link_->bytes_handed_over();
  link_.reset();
  greetings_left_ = 0;
  unanswered_pings_ = 0;
  state_ = State::kPausing;
  first_slot_ += slots_.size();
  std::deque<Slot> orphans = std::exchange(slots_, {});
  PipelineShared::Add(shared_->in_flight, static_cast<uint64_t>(-static_cast<int64_t>(orphans.size())));
  for (const Slot& orphan : orphans) {
    if (orphan.pending == nullptr) continue;
    orphan.pending->pipeline_ = nullptr;
    orphan.pending->waiter.Complete(orphan.offset < handed_over ? internal::OutcomeUnknown() : why);
  }
  if (!connected()) return;
  connected_.store(false, std::memory_order_release);
  if (kind_ == Kind::kPrimary) PipelineShared::Add(shared_->disconnects, 1);
  owner_.OnReady(*this, false);
}

void Pipeline::Pause() {
  const Options& options = shared_->options;
  const int doublings = std::min(failures_++, kMaxDoublings);
  const absl::Duration bound = std::min(options.max_backoff, options.min_backoff * (int64_t{1} << doublings));
  const absl::Duration pause = bound * absl::Uniform(random_, 0.0, 1.0);
  attempt_timer_ = loop_.StartTimer(pause, [this] { Connect(); });
}

void Pipeline::OnHeartbeat() {
  if (unanswered_pings_ >= shared_->options.max_missed_pings) {
    Drop(internal::Unavailable("the store does not answer"));
    return;
  }
  ++unanswered_pings_;
  if (takes_writes()) {
    SendOwn(Asked::kRole, Command("ROLE"));
  } else {
    SendOwn(Asked::kPing, Command("PING"));
  }
  ping_timer_ = loop_.StartTimer(shared_->options.ping_interval, [this] { OnHeartbeat(); });
}

void Pipeline::StopTimer(async::TimerId* timer) {
  loop_.CancelTimer(*timer);
  *timer = async::TimerId();
}

}  // namespace motcua::redis
