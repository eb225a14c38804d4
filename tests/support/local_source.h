// LocalSource: a feed::Source that reads a Publisher in the same process and on the same loop: feeds without gRPC.
//
// Confined to the loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/async/queue.h"
#include "common/feed/publisher.h"
#include "common/feed/source.h"

namespace motcua::test {

class LocalSource final : public feed::Source {
 public:
  LocalSource(async::Loop& loop, feed::Publisher& publisher) : loop_(loop), publisher_(publisher) {}

  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time) override {
    co_return publisher_.shards();
  }

  std::unique_ptr<feed::SourceStream> Open(feed::v1::ReadRequest request) override {
    auto state = std::make_shared<State>(loop_);
    loop_.Spawn(Pump(publisher_, std::move(request), state));
    return std::make_unique<Stream>(state);
  }

  std::unique_ptr<feed::SnapshotStream> OpenSnapshot(feed::v1::SnapshotRequest request) override {
    auto state = std::make_shared<SnapshotState>(loop_);
    loop_.Spawn(PumpSnapshot(publisher_, std::move(request), state));
    return std::make_unique<Snapshot>(state);
  }

  async::Task<absl::Status> Acknowledge(feed::v1::AcknowledgeRequest request, absl::Time deadline) override {
    return publisher_.Acknowledge(std::move(request), deadline);
  }

  async::Task<absl::StatusOr<feed::v1::ReachResponse>> Reach(feed::v1::ReachRequest request,
                                                             absl::Time deadline) override {
    return publisher_.Reach(std::move(request), deadline, async::CancelToken());
  }

 private:
  struct State {
    explicit State(async::Loop& loop) : steps(loop, 1), cancel(loop) {}
    async::Queue<feed::Step> steps;
    async::CancelSource cancel;
    absl::Status end;
  };

  class Stream final : public feed::SourceStream {
   public:
    explicit Stream(std::shared_ptr<State> state) : state_(std::move(state)) {}
    ~Stream() override {
      state_->cancel.Cancel();
      state_->steps.Close();
    }
    async::Task<absl::StatusOr<feed::Step>> Next(async::CancelToken cancel) override {
      absl::StatusOr<feed::Step> step = co_await state_->steps.Pop(absl::InfiniteFuture(), cancel);
      if (!step.ok() && !state_->end.ok()) co_return state_->end;
      co_return step;
    }

   private:
    std::shared_ptr<State> state_;
  };

  static async::Task<absl::Status> Give(std::shared_ptr<State> state, std::string wire) {
    std::optional<feed::Step> step = feed::Step::Parse(wire);
    if (!step.has_value()) co_return absl::InternalError("a step that is no ReadResponse");
    co_return co_await state->steps.Push(*std::move(step), absl::InfiniteFuture(), state->cancel.token());
  }

  static async::Task<void> Pump(feed::Publisher& publisher, feed::v1::ReadRequest request,
                                std::shared_ptr<State> state) {
    feed::Publisher::Sink sink = [state](std::string step) { return Give(state, std::move(step)); };
    state->end = co_await publisher.Stream(std::move(request), std::move(sink), state->cancel.token());
    state->steps.Close();
  }

  struct SnapshotState {
    explicit SnapshotState(async::Loop& loop) : steps(loop, 1), cancel(loop) {}
    async::Queue<feed::v1::SnapshotResponse> steps;
    async::CancelSource cancel;
    absl::Status end;
    bool ended = false;
  };

  class Snapshot final : public feed::SnapshotStream {
   public:
    explicit Snapshot(std::shared_ptr<SnapshotState> state) : state_(std::move(state)) {}
    ~Snapshot() override {
      state_->cancel.Cancel();
      state_->steps.Close();
    }
    async::Task<absl::StatusOr<std::optional<feed::v1::SnapshotResponse>>> Next(
        async::CancelToken cancel) override {
      absl::StatusOr<feed::v1::SnapshotResponse> step =
          co_await state_->steps.Pop(absl::InfiniteFuture(), cancel);
      std::optional<feed::v1::SnapshotResponse> next;
      if (step.ok()) {
        next = *std::move(step);
      } else if (!state_->ended) {
        co_return step.status();
      } else if (!state_->end.ok()) {
        co_return state_->end;
      }
      co_return next;
    }

   private:
    std::shared_ptr<SnapshotState> state_;
  };

  static async::Task<absl::Status> GiveSnapshot(std::shared_ptr<SnapshotState> state, std::string wire) {
    feed::v1::SnapshotResponse step;
    if (!step.ParseFromString(wire)) co_return absl::InternalError("a step that is no SnapshotResponse");
    co_return co_await state->steps.Push(std::move(step), absl::InfiniteFuture(), state->cancel.token());
  }

  static async::Task<void> PumpSnapshot(feed::Publisher& publisher, feed::v1::SnapshotRequest request,
                                        std::shared_ptr<SnapshotState> state) {
    feed::Publisher::Sink sink = [state](std::string step) { return GiveSnapshot(state, std::move(step)); };
    state->end = co_await publisher.Snapshot(std::move(request), std::move(sink), state->cancel.token());
    state->ended = true;
    state->steps.Close();
  }

  async::Loop& loop_;
  feed::Publisher& publisher_;
};

}  // namespace motcua::test
