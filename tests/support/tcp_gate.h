// TcpGate: a proxy between a client and its server that misbehaves as told: the network of fault tests.
//
//   TcpGate gate(redis.tcp_address());
//   options.address = gate.address();
//   gate.Slice(1);      // every byte arrives alone
//   gate.Delay(absl::Milliseconds(200));
//   gate.Drop();        // bytes vanish, connections stay
//   gate.Stall();       // nothing is read any more: buffers fill up
//   gate.CloseAll();    // connections end, in the middle of whatever was under way
//   gate.Refuse();      // and new ones end at once
//   gate.Pass();        // all is well again, for bytes that come from now on
//
// Thread-safe; runs a thread of its own.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace motcua::test {

class TcpGate {
 public:
  // `target`: `unix:/path` or `ipv4:port`. Listens on a free port of the loopback.
  explicit TcpGate(std::string target);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  std::string address() const;

  void Pass();
  // Both ways, every byte arrives `delay` later, in order.
  void Delay(absl::Duration delay);
  // Both ways, in pieces of at most `bytes`, each a packet of its own.
  void Slice(size_t bytes);
  void Drop();
  // Only what the server says vanishes: requests take effect, answers are lost.
  void DropReplies();
  void Stall();
  void CloseAll();
  void Refuse();

  // Open now.
  size_t connections() const;
  // Accepted since the start.
  size_t accepted() const;
  // That reached the gate from clients.
  uint64_t bytes_from_clients() const;

 private:
  struct Piece {
    absl::Time due;
    std::string bytes;
  };
  // One way of one connection.
  struct Way {
    int from = -1;
    int to = -1;
    bool towards_server = false;
    std::deque<Piece> pieces;
    size_t buffered = 0;
  };
  struct Connection {
    ~Connection();
    int client = -1;
    int server = -1;
    Way ways[2];
    bool dead = false;
  };
  struct Behaviour {
    absl::Duration delay = absl::ZeroDuration();
    size_t slice = 0;
    bool drop_requests = false;
    bool drop_replies = false;
    bool stall = false;
    bool refuse = false;
  };

  void Set(const Behaviour& behaviour);
  void Wake() const;
  void Run();
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Read(Connection& connection, Way& way) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(Connection& connection, Way& way) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string target_;
  int listener_ = -1;
  int wake_ = -1;
  int port_ = 0;

  mutable std::mutex mutex_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Connection>> connections_ ABSL_GUARDED_BY(mutex_);
  size_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_from_clients_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace motcua::test
