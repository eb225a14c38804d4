#include "clients/motcua/workers.h"

#include <algorithm>

namespace motcua::client {

Workers::~Workers() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status Workers::RunAll(size_t pieces, absl::FunctionRef<absl::Status(size_t)> piece) {
  if (pieces == 1) return piece(0);
  const size_t wanted = std::min(pieces, count_);
  while (threads_.size() + 1 < wanted) threads_.emplace_back([this] { Work(); });
  {
    absl::MutexLock lock(&mutex_);
    piece_ = &piece;
    pieces_ = pieces;
    next_ = 0;
    failed_ = absl::OkStatus();
  }
  Help();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &Workers::AllDone));
  return failed_;
}

void Workers::Work() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Workers::HasWork));
      if (ending_) return;
    }
    Help();
  }
}

void Workers::Help() {
  absl::MutexLock lock(&mutex_);
  while (next_ < pieces_) {
    const size_t number = next_++;
    ++running_;
    const auto* piece = piece_;
    mutex_.Unlock();
    absl::Status done = (*piece)(number);
    mutex_.Lock();
    --running_;
    if (done.ok()) continue;
    if (failed_.ok()) failed_ = std::move(done);
    next_ = pieces_;
  }
}

}  // namespace motcua::client
