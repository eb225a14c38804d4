#include "common/store/leases.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/telemetry/log.h"

namespace motcua::store {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(2);
// Of the last word, which the others do not depend on.
constexpr absl::Duration kFarewell = absl::Milliseconds(500);

std::string NewName() {
  std::random_device device;
  return absl::StrFormat("%08x%08x", device(), device());
}

// Who has the highest weight has the shard.
std::string Weight(const std::string& replica, const std::string& shard) { return Sha256(replica, shard); }

}  // namespace

Leases::Leases(async::Loop& loop, Store& store, std::string key, LeaseOptions options)
    : loop_(loop), store_(store), key_(std::move(key)), options_(options), name_(NewName()) {}

Task<void> Leases::Run(CancelToken cancel) {
  absl::Time beat_at = absl::InfinitePast();
  while (!cancel.cancelled()) {
    const absl::Time now = absl::Now();
    absl::Status status;
    if (now >= beat_at) {
      // Both in one turn of the loop, and so in one trip.
      std::vector<Task<absl::Status>> both;
      both.push_back(Beat());
      both.push_back(Look());
      std::vector<absl::Status> ends = co_await async::WhenAll(std::move(both));
      for (absl::Status& end : ends) status.Update(std::move(end));
      beat_at = now + options_.beat;
    } else {
      status = co_await Look();
    }
    // The others may go on without this one, or this one without them: then each does all the work.
    if (!status.ok() && absl::Now() > looked_at_ + options_.life) Share(std::vector<std::string>());
    const absl::Time next = seen_.empty() ? beat_at : std::min(beat_at, absl::Now() + options_.look);
    absl::Status slept = co_await loop_.Sleep(next - absl::Now(), cancel);
    (void)slept;
  }
  redis::Command farewell("HDEL");
  farewell.Arg(key_).Arg(name_);
  absl::StatusOr<redis::Reply> gone =
      co_await store_.redis().Execute(std::move(farewell), absl::Now() + kFarewell);
  (void)gone;  // it is seen to have gone after options_.life
}

Task<absl::Status> Leases::Beat() {
  redis::Command beat("HINCRBY");
  beat.Arg(key_).Arg(name_).Arg(1);
  absl::StatusOr<redis::Reply> reply =
      co_await store_.redis().Execute(std::move(beat), absl::Now() + kPatience);
  co_return reply.status();
}

Task<absl::Status> Leases::Look() {
  absl::StatusOr<Counters> all = co_await store_.ReadHash(key_, absl::Now() + kPatience);
  if (!all.ok()) co_return all.status();
  Take(*all, absl::Now());
  std::vector<std::string> forgotten;
  for (const auto& [name, seen] : seen_) {
    if (seen.moved_at + 10 * options_.life < looked_at_) forgotten.push_back(name);
  }
  for (const std::string& name : forgotten) {
    redis::Command forget("HDEL");
    forget.Arg(key_).Arg(name);
    absl::StatusOr<redis::Reply> gone =
        co_await store_.redis().Execute(std::move(forget), absl::Now() + kPatience);
    if (!gone.ok()) co_return gone.status();
  }
  co_return absl::OkStatus();
}

// One that was there before this replica first looked shows by its next beat that it lives: whoever starts
// again after a crash does not wait for itself.
void Leases::Take(const Counters& all, absl::Time now) {
  std::map<std::string, Seen> seen;
  std::vector<std::string> others;
  for (const auto& [name, beats] : all) {
    if (name == name_) continue;
    const auto before = seen_.find(name);
    Seen& one = seen[name];
    one.beats = beats;
    if (before != seen_.end() && before->second.beats == beats) {
      one.moved_at = before->second.moved_at;
    } else if (before != seen_.end() || looked_) {
      one.moved_at = now;
    } else {
      one.moved_at = now - options_.life;
    }
    if (now < one.moved_at + options_.life) others.push_back(name);
  }
  seen_ = std::move(seen);
  looked_ = true;
  looked_at_ = now;
  Share(std::move(others));
}

void Leases::Share(std::vector<std::string> others) {
  if (others == others_) return;
  others_ = std::move(others);
  held_.clear();
  telemetry::Log(telemetry::Level::kInfo, "replicas share the work", {{"replicas", replicas()}});
  for (const std::function<void()>& changed : changed_) changed();
}

bool Leases::Holds(const std::string& shard) {
  if (others_.empty()) return true;
  const auto [held, is_new] = held_.try_emplace(shard, true);
  if (is_new) {
    const std::string own = Weight(name_, shard);
    held->second = std::none_of(others_.begin(), others_.end(),
                                [&](const std::string& other) { return Weight(other, shard) > own; });
  }
  return held->second;
}

}  // namespace motcua::store
