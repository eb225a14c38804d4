// FeedServer: a real gRPC server of one feed that the test writes: what notification sees of intake, routing or
// deadline-monitor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "motcua/feed/v1/feed.grpc.pb.h"

namespace motcua::notification {

// Thread-safe.
class FeedServer final : public feed::v1::FeedService::Service {
 public:
  FeedServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FeedServer() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    server_->Shutdown(std::chrono::system_clock::now());
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // Positions are set here: 1, 2, 3 ...
  void Give(feed::v1::Event event) {
    absl::MutexLock lock(&mutex_);
    event.set_position(events_.size() + 1);
    events_.push_back(std::move(event));
  }
  uint64_t size() const {
    absl::MutexLock lock(&mutex_);
    return events_.size();
  }

  grpc::Status ListShards(grpc::ServerContext*, const feed::v1::ListShardsRequest*,
                          feed::v1::ListShardsResponse* response) override {
    response->add_shards("H30");
    return grpc::Status::OK;
  }
  grpc::Status Read(grpc::ServerContext* context, const feed::v1::ReadRequest* request,
                    grpc::ServerWriter<feed::v1::ReadResponse>* writer) override {
    uint64_t after = request->after();
    while (!context->IsCancelled()) {
      feed::v1::ReadResponse step;
      {
        absl::MutexLock lock(&mutex_);
        const auto more = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || events_.size() > after; };
        mutex_.AwaitWithTimeout(absl::Condition(&more), absl::Milliseconds(50));
        if (stopping_) break;
        while (after < events_.size() && step.events_size() < 64) *step.add_events() = events_[after++];
      }
      step.set_position(after);
      if (step.events_size() > 0 && !writer->Write(step)) break;
    }
    return grpc::Status::OK;
  }
  grpc::Status Acknowledge(grpc::ServerContext*, const feed::v1::AcknowledgeRequest*,
                           feed::v1::AcknowledgeResponse*) override {
    return grpc::Status::OK;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<feed::v1::Event> events_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace motcua::notification
