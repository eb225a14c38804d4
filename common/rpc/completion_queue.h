// CompletionQueue: gRPC's completion queue as the place where a loop sleeps, and Loop, a loop that has one.
//
// Everything of gRPC's in the process goes through the one queue of its loop: calls that are served and calls
// that are made. Whatever else polled (a callback service, a blocking client, a second queue) would take the
// work of its sockets over to another thread, and a call would cost twice as much.
//
// An operation is given a Completion as its tag; the loop runs it, in the turn in which gRPC reports the end.
//
// Thread-safety: Wake any thread; all else the loop's thread. Completions live until they have run.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>

#include "common/async/loop.h"
#include "common/async/poller.h"

namespace motcua::rpc {

// What runs when an operation has ended. Its address is the operation's tag.
class Completion {
 public:
  // `ok`: the operation did what it was for; what that means is said at gRPC's CompletionQueue::Next.
  virtual void OnCompletion(bool ok) = 0;

 protected:
  ~Completion() = default;
};

// A completion that calls a member function of the object that it is part of.
template <class Owner, void (Owner::*OnEnd)(bool ok)>
class MemberCompletion final : public Completion {
 public:
  explicit MemberCompletion(Owner* owner) : owner_(owner) {}
  void* tag() { return static_cast<Completion*>(this); }
  void OnCompletion(bool ok) override { (owner_->*OnEnd)(ok); }

 private:
  Owner* const owner_;
};

class CompletionQueue final : public async::Poller {
 public:
  CompletionQueue();
  ~CompletionQueue() override;

  grpc::ServerCompletionQueue* raw() { return queue_.get(); }
  // The builder that the queue belongs to, for the one server that it can have; null when that was made.
  std::unique_ptr<grpc::ServerBuilder> TakeServerBuilder() { return std::move(builder_); }

  // A call that is being made, until it has ended: what it still needs the queue for is let happen by Close.
  void Enter() { ++calls_; }
  void Leave() { --calls_; }

  size_t Poll(size_t limit) override;
  size_t Wait(absl::Duration timeout, size_t limit) override;
  void Wake() override;
  // What is under way must have been cancelled, or end by itself soon.
  void Close() override;

 private:
  void Woken(bool ok);
  size_t Run(void* tag, bool ok);

  std::unique_ptr<grpc::ServerBuilder> builder_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  grpc::Alarm alarm_;
  MemberCompletion<CompletionQueue, &CompletionQueue::Woken> woken_;
  // The alarm has been set and has not come yet.
  std::atomic<bool> waking_{false};
  size_t calls_ = 0;
  bool closed_ = false;
};

namespace internal {
// Made before, and destroyed after, the loop that uses it.
class QueueHolder {
 public:
  QueueHolder() {}
  CompletionQueue& queue() { return queue_; }

 private:
  CompletionQueue queue_;
};
}  // namespace internal

// A loop that serves gRPC, too.
class Loop final : public internal::QueueHolder, public async::Loop {
 public:
  explicit Loop(std::string thread_name) : async::Loop(std::move(thread_name), &queue()) {}
};

}  // namespace motcua::rpc
