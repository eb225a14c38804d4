#include "common/redis/pipeline.h"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

// Bits a backoff bound may be shifted by before it has certainly reached any sensible maximum.
constexpr int kMaxDoublings = 20;

// One command in so many has its round trip measured.
constexpr uint64_t kSampledCommands = 16;

int64_t MonotonicNow() { return static_cast<int64_t>(uv_hrtime()); }

}  // namespace

Client::Pipeline::PendingReply::~PendingReply() {
  if (in_slot_) pipeline_.slots_[slot_ - pipeline_.first_slot_].pending = nullptr;
}

Client::Pipeline::Pipeline(async::Loop& loop, Options options)
    : loop_(loop), options_(std::move(options)), address_(ParseAddress(options_.address)), ready_(loop) {}

Client::Pipeline::~Pipeline() = default;

void Client::Pipeline::Connect() {
  assert(loop_.InLoop());
  if (shut_down_ || link_ != nullptr || !address_.ok()) return;
  link_ = Link::Open(loop_, *address_, *this);
  attempt_timer_ = loop_.StartTimer(options_.connect_timeout, [this] {
    Drop(internal::Unavailable("the store did not accept the connection in time"));
  });
}

void Client::Pipeline::Shutdown() {
  assert(loop_.InLoop());
  shut_down_ = true;
  const absl::Status closed = internal::Unavailable("the client of the store is closed");
  Drop(closed);
  ready_.Abort(closed);
  StopTimer(&attempt_timer_);
  observers_.clear();
}

absl::Status Client::Pipeline::Admit() {
  assert(loop_.InLoop());
  if (!connected()) {
    return internal::Unavailable(address_.ok() ? "the store is not connected" : "the store's address is not valid");
  }
  const bool full = slots_.size() >= options_.max_in_flight || link_->buffered() >= options_.max_buffered_bytes;
  if (!full) return absl::OkStatus();
  refused_.fetch_add(1, std::memory_order_relaxed);
  return internal::TooManyInFlight();
}

uint64_t Client::Pipeline::AddSlot(PendingReply* pending) {
  Slot& slot = slots_.emplace_back();
  slot.pending = pending;
  slot.own = pending == nullptr;
  slot.offset = link_->bytes_appended();
  if (on_round_trip_ && !slot.own && (first_slot_ + slots_.size()) % kSampledCommands == 0)
    slot.sent_at = MonotonicNow();
  in_flight_.store(slots_.size(), std::memory_order_relaxed);
  return first_slot_ + slots_.size() - 1;
}

void Client::Pipeline::SendOwn(const Command& command) {
  AddSlot(nullptr);
  command.AppendTo(link_->out());
  link_->Written();
}

void Client::Pipeline::OnLinkUp() {
  greetings_left_ = 1;
  std::string password = options_.password;
  if (!options_.password_file.empty()) {
    absl::StatusOr<std::string> read = ReadPasswordFile(options_.password_file);
    if (!read.ok()) {
      Drop(internal::NotAuthenticated(std::string(read.status().message())));
      return;
    }
    password = *std::move(read);
  }
  if (!password.empty()) {
    ++greetings_left_;
    Command auth("AUTH");
    if (!options_.user.empty()) auth.Arg(options_.user);
    auth.Arg(password);
    SendOwn(auth);
  }
  SendOwn(Command("PING"));
}

void Client::Pipeline::OnLinkReply(Reply reply) {
  unanswered_pings_ = 0;
  if (slots_.empty()) {
    Drop(internal::ProtocolError("the store answered what was not asked"));
    return;
  }
  const Slot slot = slots_.front();
  slots_.pop_front();
  ++first_slot_;
  in_flight_.store(slots_.size(), std::memory_order_relaxed);
  if (slot.own) {
    if (greetings_left_ > 0) OnGreeting(reply);
    return;
  }
  if (slot.sent_at != 0) on_round_trip_(absl::Nanoseconds(MonotonicNow() - slot.sent_at));
  const bool wrong_server = reply.is_error() && internal::MeansWrongServer(reply.text());
  if (slot.pending == nullptr) {
    late_replies_.fetch_add(1, std::memory_order_relaxed);
  } else {
    slot.pending->in_slot_ = false;
    if (slot.pending->waiter.completed()) {
      late_replies_.fetch_add(1, std::memory_order_relaxed);
    } else {
      slot.pending->reply = std::move(reply);
      slot.pending->waiter.Complete(absl::OkStatus());
    }
  }
  if (wrong_server) Drop(internal::Unavailable("the server is not the one that takes writes"));
}

void Client::Pipeline::OnGreeting(const Reply& reply) {
  if (reply.is_error()) {
    Drop(internal::FromErrorReply(reply.text()));
    return;
  }
  if (--greetings_left_ > 0) return;
  StopTimer(&attempt_timer_);
  failures_ = 0;
  connects_.fetch_add(1, std::memory_order_relaxed);
  SetConnected(true);
  StartHeartbeat();
}

void Client::Pipeline::OnLinkDown(absl::Status why) { Drop(why); }

void Client::Pipeline::Drop(const absl::Status& why) {
  StopTimer(&attempt_timer_);
  StopTimer(&ping_timer_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    last_error_ = why;
  }
  const uint64_t handed_over = link_ == nullptr ? 0 : link_->bytes_handed_over();
  link_.reset();
  greetings_left_ = 0;
  unanswered_pings_ = 0;
  first_slot_ += slots_.size();
  std::deque<Slot> orphans = std::exchange(slots_, {});
  in_flight_.store(0, std::memory_order_relaxed);
  for (const Slot& orphan : orphans) {
    if (orphan.pending == nullptr) continue;
    orphan.pending->in_slot_ = false;
    orphan.pending->waiter.Complete(orphan.offset < handed_over ? internal::OutcomeUnknown() : why);
  }
  if (connected()) {
    disconnects_.fetch_add(1, std::memory_order_relaxed);
    SetConnected(false);
  }
  if (!shut_down_) ScheduleConnect();
}

void Client::Pipeline::ScheduleConnect() {
  const int doublings = std::min(failures_++, kMaxDoublings);
  const absl::Duration bound = std::min(options_.max_backoff, options_.min_backoff * (int64_t{1} << doublings));
  const absl::Duration pause = bound * absl::Uniform(random_, 0.0, 1.0);
  attempt_timer_ = loop_.StartTimer(pause, [this] { Connect(); });
}

void Client::Pipeline::SetConnected(bool connected) {
  connected_.store(connected, std::memory_order_release);
  if (connected) {
    ready_.Set();
  } else {
    ready_.Reset();
  }
  // Posted: an observer may do anything, and this may be the middle of a batch of replies.
  loop_.Post([self = shared_from_this(), connected] {
    for (size_t i = 0; i < self->observers_.size(); ++i) self->observers_[i](connected);
  });
}

void Client::Pipeline::AddObserver(absl::AnyInvocable<void(bool)> observer) {
  if (connected()) observer(true);
  observers_.push_back(std::move(observer));
}

absl::Status Client::Pipeline::last_error() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_error_;
}

void Client::Pipeline::StartHeartbeat() {
  ping_timer_ = loop_.StartTimer(options_.ping_interval, [this] { OnHeartbeat(); });
}

void Client::Pipeline::OnHeartbeat() {
  if (unanswered_pings_ >= options_.max_missed_pings) {
    Drop(internal::Unavailable("the store does not answer"));
    return;
  }
  ++unanswered_pings_;
  SendOwn(Command("PING"));
  StartHeartbeat();
}

void Client::Pipeline::StopTimer(async::TimerId* timer) {
  loop_.CancelTimer(*timer);
  *timer = async::TimerId();
}

ClientStats Client::Pipeline::stats() const {
  ClientStats stats;
  stats.commands = commands_.load(std::memory_order_relaxed);
  stats.late_replies = late_replies_.load(std::memory_order_relaxed);
  stats.refused = refused_.load(std::memory_order_relaxed);
  stats.connects = connects_.load(std::memory_order_relaxed);
  stats.disconnects = disconnects_.load(std::memory_order_relaxed);
  stats.script_loads = script_loads_.load(std::memory_order_relaxed);
  stats.in_flight = in_flight_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace motcua::redis
