// Promises of server streams: order, back-pressure in both directions, and that both ends notice the other's end.
#include <atomic>

#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;

ReadRequest OfShard() {
  ReadRequest request;
  request.set_shard("H30");
  return request;
}

async::Task<absl::Status> WriteMany(StreamWriter<ReadResponse> writer, uint64_t count, size_t bytes,
                                    std::atomic<uint64_t>* written) {
  for (uint64_t i = 1; i <= count; ++i) {
    ReadResponse step;
    step.set_position(i);
    if (bytes > 0) step.add_events()->set_subject(std::string(bytes, 'x'));
    absl::Status status = co_await writer.Write(std::move(step));
    if (!status.ok()) co_return status;
    *written = i;
  }
  co_return absl::OkStatus();
}

async::Task<absl::Status> ReadAll(Client* client, std::vector<uint64_t>* positions) {
  StreamReader<ReadResponse> reader = client->Open<ReadResponse>(OfShard());
  while (true) {
    auto step = co_await reader.Read();
    if (!step.ok()) co_return step.status();
    if (!step->has_value()) co_return absl::OkStatus();
    positions->push_back((*step)->position());
  }
}

TEST(Stream, ItemsArriveInOrderAndTheEndIsSeen) {
  TestServer server;
  std::atomic<uint64_t> written{0};
  server.behaviour.read = [&written](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return WriteMany(std::move(writer), 1000, 0, &written);
  };
  std::vector<uint64_t> positions;
  EXPECT_TRUE(SyncWait(server.loop, ReadAll(&server.plain(), &positions)).ok());
  ASSERT_EQ(positions.size(), 1000u);
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(positions[i], i + 1);
  EXPECT_TRUE(Eventually([&] { return server.host->streams() == 0; }));
}

async::Task<absl::Status> FailAfterOne(StreamWriter<ReadResponse> writer) {
  absl::Status written = co_await writer.Write(ReadResponse());
  if (!written.ok()) co_return written;
  co_return errors::OutOfRange("FEED_TRIMMED", "no longer kept", {{"first", "42"}});
}

TEST(Stream, AnErrorEndsItWithItsDetails) {
  TestServer server;
  server.behaviour.read = [](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return FailAfterOne(std::move(writer));
  };
  std::vector<uint64_t> positions;
  absl::Status status = SyncWait(server.loop, ReadAll(&server.plain(), &positions));
  EXPECT_EQ(positions.size(), 1u);
  EXPECT_EQ(errors::Reason(status), "FEED_TRIMMED");
  EXPECT_EQ(errors::MetadataValue(status, "first"), "42");
}

TEST(Stream, AnInvalidRequestOpensNone) {
  TestServer server;
  auto open = [](Client* client) -> async::Task<absl::Status> {
    StreamReader<ReadResponse> reader = client->Open<ReadResponse>(ReadRequest());
    auto step = co_await reader.Read();
    co_return step.status();
  };
  EXPECT_EQ(SyncWait(server.loop, open(&server.plain())).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(server.host->streams(), 0);
}

// Holds a reader that takes nothing but the first item.
class SlowConsumer {
 public:
  explicit SlowConsumer(TestServer& server) : server_(server) {
    server_.loop.RunAndWait([this] {
      reader_ = std::make_unique<StreamReader<ReadResponse>>(server_.plain().Open<ReadResponse>(OfShard()));
    });
  }
  ~SlowConsumer() { Leave(); }
  absl::Status TakeOne() {
    auto take = [](StreamReader<ReadResponse>* reader) -> async::Task<absl::Status> {
      auto step = co_await reader->Read();
      co_return step.status();
    };
    return SyncWait(server_.loop, take(reader_.get()));
  }
  void Leave() {
    server_.loop.RunAndWait([this] { reader_.reset(); });
  }

 private:
  TestServer& server_;
  std::unique_ptr<StreamReader<ReadResponse>> reader_;
};

TEST(Stream, ASlowReaderSlowsTheWriterDown) {
  TestServer server;
  std::atomic<uint64_t> written{0};
  server.behaviour.read = [&written](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return WriteMany(std::move(writer), 100000, 64 * 1024, &written);
  };
  SlowConsumer consumer(server);
  ASSERT_TRUE(consumer.TakeOne().ok());
  // The writer runs ahead by what the windows of HTTP/2 take, and then no further.
  uint64_t before = 0;
  ASSERT_TRUE(Eventually([&] {
    uint64_t now = written;
    absl::SleepFor(absl::Milliseconds(200));
    bool still = written == now;
    before = now;
    return still;
  }));
  EXPECT_LT(before, 2000u) << "about 128 MiB in memory";
  EXPECT_EQ(server.host->streams(), 1);
}

TEST(Stream, TheWriterLearnsThatItsReaderHasGone) {
  TestServer server;
  std::atomic<uint64_t> written{0};
  server.behaviour.read = [&written](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return WriteMany(std::move(writer), 1000000, 1024, &written);
  };
  SlowConsumer consumer(server);
  ASSERT_TRUE(consumer.TakeOne().ok());
  consumer.Leave();
  EXPECT_TRUE(Eventually([&] { return server.host->streams() == 0; }));
  EXPECT_LT(written, 1000000u);
}

async::Task<absl::Status> IdleUntilCancelled(CallPtr call, StreamWriter<ReadResponse> writer, async::Loop* loop) {
  absl::Status written = co_await writer.Write(ReadResponse());
  if (!written.ok()) co_return written;
  absl::Status slept = co_await loop->Sleep(absl::Minutes(10), call->cancel());
  co_return slept;
}

TEST(Stream, AnIdleStreamEndsWhenTheServiceCloses) {
  TestServer server;
  server.behaviour.read = [&server](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    return IdleUntilCancelled(std::move(call), std::move(writer), &server.loop);
  };
  SlowConsumer consumer(server);
  ASSERT_TRUE(consumer.TakeOne().ok());
  server.host->Close();
  server.host->EndStreams();
  EXPECT_EQ(errors::Reason(consumer.TakeOne()), "SHUTTING_DOWN");
  EXPECT_TRUE(Eventually([&] { return server.host->streams() == 0; }));
}

TEST(Stream, AReadMayBeCancelledAndRepeated) {
  TestServer server;
  server.behaviour.read = [&server](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    return IdleUntilCancelled(std::move(call), std::move(writer), &server.loop);
  };
  auto run = [](Client* client, async::Loop* loop) -> async::Task<std::string> {
    StreamReader<ReadResponse> reader = client->Open<ReadResponse>(OfShard());
    auto first = co_await reader.Read();
    if (!first.ok()) co_return "first";
    for (int i = 0; i < 3; ++i) {
      async::CancelSource cancel(*loop);
      loop->StartTimer(absl::Milliseconds(20), [cancel]() mutable { cancel.Cancel(); });
      auto second = co_await reader.Read(cancel.token());
      if (second.status().code() != absl::StatusCode::kCancelled) co_return "second";
    }
    co_return "";
  };
  EXPECT_EQ(SyncWait(server.loop, run(&server.plain(), &server.loop)), "");
}

TEST(Stream, TooManyStreamsAreRefused) {
  HostOptions options;
  options.max_streams = 1;
  TestServer server(options);
  server.behaviour.read = [&server](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    return IdleUntilCancelled(std::move(call), std::move(writer), &server.loop);
  };
  SlowConsumer first(server);
  ASSERT_TRUE(first.TakeOne().ok());
  SlowConsumer second(server);
  EXPECT_EQ(errors::Reason(second.TakeOne()), "TOO_MANY_CALLS");
}

}  // namespace
}  // namespace motcua::rpc::test
