#include "tests/support/tcp_gate.h"

#include <absl/time/clock.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace motcua::test {
namespace {

constexpr size_t kMaxBuffered = 1 << 20;
// Far enough apart that the receiver usually reads each piece by itself.
constexpr absl::Duration kSliceGap = absl::Microseconds(50);

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

int Connect(const std::string& target) {
  int fd;
  int result;
  if (target.rfind("unix:", 0) == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, target.c_str() + 5, sizeof(address.sun_path) - 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  } else {
    const size_t colon = target.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(target.c_str() + colon + 1)));
    inet_pton(AF_INET, target.substr(0, colon).c_str(), &address.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  if (fd >= 0 && result != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

void Prepare(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // no-op on a Unix socket
}

}  // namespace

TcpGate::Connection::~Connection() {
  if (client >= 0) close(client);
  if (server >= 0) close(server);
}

TcpGate::TcpGate(std::string target) : target_(std::move(target)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("the gate cannot listen");
  }
  port_ = ntohs(address.sin_port);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) Die("the gate has no eventfd");
  thread_ = std::thread([this] { Run(); });
}

TcpGate::~TcpGate() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  close(listener_);
  close(wake_);
}

std::string TcpGate::address() const { return "127.0.0.1:" + std::to_string(port_); }

void TcpGate::Set(const Behaviour& behaviour) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    behaviour_ = behaviour;
  }
  Wake();
}

void TcpGate::Pass() { Set(Behaviour()); }

void TcpGate::Delay(absl::Duration delay) {
  Behaviour behaviour;
  behaviour.delay = delay;
  Set(behaviour);
}

void TcpGate::Slice(size_t bytes) {
  Behaviour behaviour;
  behaviour.slice = bytes;
  Set(behaviour);
}

void TcpGate::Drop() {
  Behaviour behaviour;
  behaviour.drop_requests = behaviour.drop_replies = true;
  Set(behaviour);
}

void TcpGate::DropReplies() {
  Behaviour behaviour;
  behaviour.drop_replies = true;
  Set(behaviour);
}

void TcpGate::Stall() {
  Behaviour behaviour;
  behaviour.stall = true;
  Set(behaviour);
}

void TcpGate::Refuse() {
  Behaviour behaviour;
  behaviour.refuse = true;
  Set(behaviour);
  CloseAll();
}

void TcpGate::CloseAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (std::unique_ptr<Connection>& connection : connections_) {
    // The thread may be polling these descriptors: it closes them.
    shutdown(connection->client, SHUT_RDWR);
    shutdown(connection->server, SHUT_RDWR);
    connection->dead = true;
  }
  Wake();
}

size_t TcpGate::connections() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                           [](const std::unique_ptr<Connection>& c) { return !c->dead; }));
}

size_t TcpGate::accepted() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return accepted_;
}

uint64_t TcpGate::bytes_from_clients() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return bytes_from_clients_;
}

void TcpGate::Wake() const {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof(one)) < 0 && errno != EAGAIN) Die("the gate cannot be woken");
}

void TcpGate::Run() {
  while (true) {
    std::vector<pollfd> polled = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    absl::Time next = absl::InfiniteFuture();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) {
        connections_.clear();
        return;
      }
      const absl::Time now = absl::Now();
      for (const std::unique_ptr<Connection>& connection : connections_) {
        for (const Way& way : connection->ways) {
          const bool readable = !behaviour_.stall && way.buffered < kMaxBuffered;
          polled.push_back({way.from, static_cast<short>(readable ? POLLIN : 0), 0});
          const bool due = !way.pieces.empty() && way.pieces.front().due <= now;
          polled.push_back({way.to, static_cast<short>(due ? POLLOUT : 0), 0});
          if (!way.pieces.empty() && !due) next = std::min(next, way.pieces.front().due);
        }
      }
    }
    timespec timeout = absl::ToTimespec(absl::Seconds(10));
    if (next != absl::InfiniteFuture()) {
      timeout = absl::ToTimespec(std::max(next - absl::Now(), absl::ZeroDuration()));
    }
    if (ppoll(polled.data(), polled.size(), &timeout, nullptr) < 0 && errno != EINTR) Die("the gate cannot poll");

    std::lock_guard<std::mutex> lock(mutex_);
    uint64_t wakes;
    if (polled[1].revents != 0 && read(wake_, &wakes, sizeof(wakes)) < 0 && errno != EAGAIN) Die("eventfd");
    for (size_t i = 0; i < connections_.size(); ++i) {
      Connection& connection = *connections_[i];
      for (size_t w = 0; w < 2; ++w) {
        const size_t at = 2 + 4 * i + 2 * w;
        if (polled[at].revents != 0 && !behaviour_.stall) Read(connection, connection.ways[w]);
        Write(connection, connection.ways[w]);
      }
    }
    std::erase_if(connections_, [](const std::unique_ptr<Connection>& c) { return c->dead; });
    if (polled[0].revents != 0) Accept();
  }
}

void TcpGate::Accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int server = behaviour_.refuse ? -1 : Connect(target_);
  if (server < 0) {
    close(client);
    return;
  }
  Prepare(client);
  Prepare(server);
  auto connection = std::make_unique<Connection>();
  connection->client = client;
  connection->server = server;
  connection->ways[0].from = client;
  connection->ways[0].to = server;
  connection->ways[0].towards_server = true;
  connection->ways[1].from = server;
  connection->ways[1].to = client;
  connections_.push_back(std::move(connection));
}

void TcpGate::Read(Connection& connection, Way& way) {
  char bytes[16 * 1024];
  const ssize_t count = recv(way.from, bytes, sizeof(bytes), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    connection.dead = true;
    return;
  }
  if (way.towards_server) bytes_from_clients_ += static_cast<uint64_t>(count);
  if (way.towards_server ? behaviour_.drop_requests : behaviour_.drop_replies) return;
  const size_t size = static_cast<size_t>(count);
  const size_t step = behaviour_.slice == 0 ? size : behaviour_.slice;
  absl::Time due = absl::Now() + behaviour_.delay;
  // Never before what came earlier, whatever the behaviour was then.
  if (!way.pieces.empty()) due = std::max(due, way.pieces.back().due);
  for (size_t at = 0; at < size; at += step) {
    if (behaviour_.slice != 0) due += kSliceGap;
    way.pieces.push_back(Piece{due, std::string(bytes + at, std::min(step, size - at))});
  }
  way.buffered += size;
}

void TcpGate::Write(Connection& connection, Way& way) {
  const absl::Time now = absl::Now();
  while (!connection.dead && !way.pieces.empty() && way.pieces.front().due <= now) {
    Piece& piece = way.pieces.front();
    const ssize_t count = send(way.to, piece.bytes.data(), piece.bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) {
      connection.dead = true;
      return;
    }
    way.buffered -= static_cast<size_t>(count);
    if (static_cast<size_t>(count) < piece.bytes.size()) {
      piece.bytes.erase(0, static_cast<size_t>(count));
      return;
    }
    way.pieces.pop_front();
  }
}

}  // namespace motcua::test
