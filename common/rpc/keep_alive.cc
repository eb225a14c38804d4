#include "common/rpc/keep_alive.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.pb.h"

namespace motcua::rpc {

class CallbackPoolKeepAlive::Ticker {
 public:
  Ticker(std::shared_ptr<grpc::Channel> channel, absl::Duration interval)
      : stub_(std::move(channel)), request_(Request()), interval_(interval), thread_([this] { Run(); }) {}

  ~Ticker() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

 private:
  // Two calls at once, because the pool has at least two threads.
  static constexpr int kCalls = 2;

  void Run() {
    while (true) {
      for (int i = 0; i < kCalls; ++i) Call();
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), interval_);
      if (stopping_) {
        mutex_.Await(absl::Condition(+[](int* under_way) { return *under_way == 0; }, &under_way_));
        return;
      }
    }
  }

  struct Exchange {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
  };

  static grpc::ByteBuffer Request() {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(CallbackPoolKeepAlive::kServiceName);
    grpc::Slice slice(request.SerializeAsString());
    return grpc::ByteBuffer(&slice, 1);
  }

  void Call() {
    auto exchange = std::make_shared<Exchange>();
    exchange->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
    exchange->request = request_;
    {
      absl::MutexLock lock(&mutex_);
      ++under_way_;
    }
    stub_.UnaryCall(&exchange->context, "/grpc.health.v1.Health/Check", grpc::StubOptions(),
                    &exchange->request, &exchange->response, [this, exchange](const grpc::Status&) mutable {
                      exchange.reset();  // holds the channel: see UnderWay in client.cc
                      absl::MutexLock lock(&mutex_);
                      --under_way_;
                    });
  }

  grpc::GenericStub stub_;
  const grpc::ByteBuffer request_;
  const absl::Duration interval_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

CallbackPoolKeepAlive::CallbackPoolKeepAlive(std::shared_ptr<grpc::Channel> channel, absl::Duration interval)
    : ticker_(std::make_unique<Ticker>(std::move(channel), interval)) {}
CallbackPoolKeepAlive::~CallbackPoolKeepAlive() = default;

}  // namespace motcua::rpc
