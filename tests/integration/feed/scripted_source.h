// ScriptedSource: a feed that the test writes step by step.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/async/event.h"
#include "common/feed/source.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

// Confined to the loop. Of the shard H30.
class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(async::Loop& loop) : grown_(loop) {}

  // A step of `events` events, numbered like their positions, and perhaps a watermark behind them.
  void Tell(int events, absl::Time watermark = absl::InfinitePast()) {
    v1::ReadResponse step;
    for (int i = 0; i < events; ++i) {
      v1::Event* event = step.add_events();
      event->set_position(++position_);
      event->set_subject("H30.18.05-260714-0001");
      event->mutable_work_completed()->set_activity(absl::StrCat(position_));
    }
    step.set_position(position_);
    if (watermark != absl::InfinitePast()) *step.mutable_watermark() = time::ToTimestamp(watermark);
    steps_.push_back(std::move(step));
    grown_.Set();
    grown_.Reset();
  }

  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time) override {
    std::vector<std::string> shards;
    shards.push_back("H30");
    co_return shards;
  }
  std::unique_ptr<SourceStream> Open(v1::ReadRequest) override {
    ++opened_;
    return std::make_unique<Stream>(*this);
  }
  async::Task<absl::Status> Acknowledge(v1::AcknowledgeRequest, absl::Time) override {
    co_return absl::OkStatus();
  }
  async::Task<absl::StatusOr<v1::ReachResponse>> Reach(v1::ReachRequest request, absl::Time) override {
    asked_.push_back(request);
    v1::ReachResponse response;
    for (const v1::ReachMoment& moment : request.moments()) {
      v1::Reached* reached = response.add_reached();
      reached->set_shard(moment.shard());
      reached->set_end(position_);
      reached->set_position(position_);
      if (moment.has_moment()) *reached->mutable_watermark() = moment.moment();
    }
    co_return response;
  }

  // Read from any thread.
  std::atomic<int> opened_ = 0;
  std::vector<v1::ReachRequest> asked_;

 private:
  // Tells the steps from the beginning: what was applied before is skipped.
  class Stream final : public SourceStream {
   public:
    explicit Stream(ScriptedSource& source) : source_(source) {}
    async::Task<absl::StatusOr<Step>> Next(async::CancelToken cancel) override {
      while (next_ >= source_.steps_.size()) {
        absl::Status grown = co_await source_.grown_.Wait(absl::InfiniteFuture(), cancel);
        if (!grown.ok()) co_return grown;
      }
      const v1::ReadResponse& step = source_.steps_.at(next_++);
      co_return *Step::Parse(step.SerializeAsString());
    }

   private:
    ScriptedSource& source_;
    size_t next_ = 0;
  };

  std::vector<v1::ReadResponse> steps_;
  uint64_t position_ = 0;
  async::Event grown_;
};

}  // namespace motcua::feed
