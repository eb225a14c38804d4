// A few threads that do independent pieces of blocking work together.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace motcua::client {

// One thread at a time may call RunAll.
class Workers {
 public:
  // `count` pieces at a time at most, that of the caller's own thread included; threads start when they are
  // needed.
  explicit Workers(size_t count) : count_(count) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // piece(0) .. piece(pieces - 1), in any order; returns when all have ended. After an error no further one
  // is begun, and the first that came is returned.
  absl::Status RunAll(size_t pieces, absl::FunctionRef<absl::Status(size_t)> piece);

 private:
  void Work();
  // Does pieces of the present round until none is left to begin.
  void Help();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ending_ || next_ < pieces_; }
  bool AllDone() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_ == 0; }

  const size_t count_;
  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  const absl::FunctionRef<absl::Status(size_t)>* piece_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t pieces_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace motcua::client
