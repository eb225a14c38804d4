// Time is an input: all code that needs "now" asks a Clock.
//
// Thread-safety: every class here may be shared between threads.
#pragma once

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace motcua::time {

// Where "now" comes from.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The clock of production: the operating system's.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

// A clock that stands still until it is told to advance: demos, replays and tests live weeks in seconds.
class SimulatedClock final : public Clock {
 public:
  // Stands at `start` until the first AdvanceTo.
  explicit SimulatedClock(absl::Time start) : now_(start) {}

  absl::Time Now() const override {
    absl::ReaderMutexLock lock(&mutex_);
    return now_;
  }

  // Moves to `t`, or stays where it is if `t` lies in the past: time never goes back. Returns the new now.
  absl::Time AdvanceTo(absl::Time t) {
    absl::MutexLock lock(&mutex_);
    now_ = std::max(now_, t);
    return now_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace motcua::time
