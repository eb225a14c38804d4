#include "common/redis/link.h"

#include <absl/strings/str_cat.h>

#include <cstring>
#include <utility>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

constexpr unsigned kKeepAliveSeconds = 15;
// A buffer that one burst has made larger than this is given back.
constexpr size_t kKeptBufferSize = 1 << 20;

absl::Status SocketError(const char* what, int error) {
  return internal::Unavailable(absl::StrCat("the store ", what, ": ", uv_strerror(error)));
}

}  // namespace

Link::Handle Link::Open(async::Loop& loop, const Address& address, Listener& listener) {
  Handle link(new Link(loop, address, listener));
  if (!address.path.empty()) {
    link->ConnectUnix();
  } else {
    link->Resolve();
  }
  return link;
}

Link::Link(async::Loop& loop, const Address& address, Listener& listener)
    : loop_(loop), address_(address), listener_(&listener) {
  resolve_.data = connect_.data = write_.data = this;
}

void Link::Resolve() {
  addrinfo hints;
  std::memset(&hints, 0, sizeof(hints));
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const auto resolved = [](uv_getaddrinfo_t* request, int status, addrinfo* list) {
    auto* link = static_cast<Link*>(request->data);
    link->addresses_.reset(list);
    link->resolving_ = false;
    if (link->listener_ != nullptr) {
      if (status != 0) {
        link->FailNow(SocketError("cannot be resolved", status));
      } else {
        link->next_address_ = list;
        link->ConnectNext();
      }
    }
    link->Release();
  };
  const int status = uv_getaddrinfo(loop_.uv(), &resolve_, resolved, address_.host.c_str(), address_.port.c_str(), &hints);
  if (status != 0) return Fail(SocketError("cannot be resolved", status));
  resolving_ = true;
  ++held_;
}

void Link::ConnectUnix() {
  uv_pipe_init(loop_.uv(), &socket_.pipe, 0);
  socket_.pipe.data = this;
  socket_open_ = true;
  ++held_;
  ++held_;  // the request; libuv always calls back, also for a path that does not exist
  uv_pipe_connect(&connect_, &socket_.pipe, address_.path.c_str(), [](uv_connect_t* request, int status) {
    static_cast<Link*>(request->data)->OnConnected(status);
  });
}

void Link::ConnectNext() {
  const addrinfo* target = next_address_;
  next_address_ = target->ai_next;
  uv_tcp_init(loop_.uv(), &socket_.tcp);
  socket_.tcp.data = this;
  socket_open_ = true;
  ++held_;
  uv_tcp_nodelay(&socket_.tcp, 1);
  uv_tcp_keepalive(&socket_.tcp, 1, kKeepAliveSeconds);
  // Some failures come back at once: no route, no IPv6 on this machine.
  const int status = uv_tcp_connect(&connect_, &socket_.tcp, target->ai_addr, [](uv_connect_t* request, int result) {
    static_cast<Link*>(request->data)->OnConnected(result);
  });
  if (status != 0) return NotReached(status);
  ++held_;
}

void Link::OnConnected(int status) {
  if (listener_ != nullptr) {
    if (status == 0) {
      up_ = true;
      StartReading();
    } else {
      NotReached(status);
    }
  }
  Release();
}

void Link::NotReached(int status) {
  if (next_address_ == nullptr) return Fail(SocketError("cannot be reached", status));
  // The next attempt reuses the socket's memory, so it waits for the close.
  socket_open_ = false;
  uv_close(handle(), [](uv_handle_t* closed) {
    auto* link = static_cast<Link*>(closed->data);
    if (link->listener_ != nullptr) link->ConnectNext();
    link->Release();
  });
}

void Link::StartReading() {
  const int status = uv_read_start(
      stream(),
      [](uv_handle_t* socket, size_t, uv_buf_t* buffer) {
        auto* link = static_cast<Link*>(socket->data);
        *buffer = uv_buf_init(link->in_.data(), link->in_.size());
      },
      [](uv_stream_t* socket, ssize_t count, const uv_buf_t*) { static_cast<Link*>(socket->data)->OnBytes(count); });
  if (status != 0) return FailNow(SocketError("cannot be read", status));
  listener_->OnLinkUp();
}

void Link::OnBytes(ssize_t count) {
  if (count == 0 || listener_ == nullptr) return;
  if (count < 0) return FailNow(SocketError("closed the connection", static_cast<int>(count)));
  absl::Status fed = parser_.Feed(std::string_view(in_.data(), static_cast<size_t>(count)));
  if (!fed.ok()) return FailNow(std::move(fed));
  while (listener_ != nullptr) {
    Reply reply;
    absl::StatusOr<bool> whole = parser_.Next(&reply);
    if (!whole.ok()) return FailNow(whole.status());
    if (!*whole) return;
    listener_->OnLinkReply(std::move(reply));
  }
}

void Link::OnTurnEnd() {
  if (!up_ || writing_ || out_.empty() || listener_ == nullptr) return;
  uv_buf_t buffer = uv_buf_init(out_.data(), static_cast<unsigned>(out_.size()));
  const int written = uv_try_write(stream(), &buffer, 1);
  if (written < 0 && written != UV_EAGAIN) {
    // Nothing of it went out, so what is in out_ counts as not written.
    return Fail(SocketError("cannot be written to", written));
  }
  const size_t done = written < 0 ? 0 : static_cast<size_t>(written);
  handed_over_ += done;
  if (done == out_.size()) {
    out_.clear();
    if (out_.capacity() > kKeptBufferSize) out_.shrink_to_fit();
    return;
  }
  out_.erase(0, done);
  WriteRest();
}

void Link::WriteRest() {
  writing_bytes_.clear();
  writing_bytes_.swap(out_);
  handed_over_ += writing_bytes_.size();
  uv_buf_t buffer = uv_buf_init(writing_bytes_.data(), static_cast<unsigned>(writing_bytes_.size()));
  const int status = uv_write(&write_, stream(), &buffer, 1, [](uv_write_t* request, int result) {
    auto* link = static_cast<Link*>(request->data);
    link->writing_ = false;
    link->writing_bytes_.clear();
    if (link->writing_bytes_.capacity() > kKeptBufferSize) link->writing_bytes_.shrink_to_fit();
    if (link->listener_ != nullptr) {
      if (result != 0) {
        link->FailNow(SocketError("cannot be written to", result));
      } else if (!link->out_.empty()) {
        link->Written();
      }
    }
    link->Release();
  });
  if (status != 0) return Fail(SocketError("cannot be written to", status));
  writing_ = true;
  ++held_;
}

void Link::Fail(absl::Status why) {
  ++held_;
  loop_.Post([link = std::unique_ptr<Link, Releaser>(this), why = std::move(why)]() mutable {
    link->FailNow(std::move(why));
  });
}

void Link::FailNow(absl::Status why) {
  if (listener_ != nullptr) listener_->OnLinkDown(std::move(why));
}

void Link::Close() {
  listener_ = nullptr;
  Unlink();
  ++held_;
  if (resolving_) uv_cancel(reinterpret_cast<uv_req_t*>(&resolve_));
  if (socket_open_) {
    socket_open_ = false;
    uv_close(handle(), [](uv_handle_t* closed) { static_cast<Link*>(closed->data)->Release(); });
  }
  Release();
}

void Link::Release() {
  if (--held_ == 0 && listener_ == nullptr) delete this;
}

}  // namespace motcua::redis
