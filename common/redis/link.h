// Link: one connection attempt to a Redis server and, once it stands, the byte stream and its replies.
// Resolves names off the loop, tries each address in turn, gathers what is written in a turn of the loop into one
// write, and cuts the incoming bytes into replies.
//
// Thread-safety: confined to the loop.
#pragma once

#include <absl/status/status.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/loop.h"
#include "common/redis/address.h"
#include "common/redis/reply.h"
#include "common/redis/reply_parser.h"

namespace motcua::redis {

class Link final : private async::TurnEndHook {
 public:
  // Called on the loop; none after Close. They must not destroy the listener.
  class Listener {
   public:
    virtual void OnLinkUp() = 0;
    virtual void OnLinkReply(Reply reply) = 0;
    // The link is of no more use; Close it.
    virtual void OnLinkDown(absl::Status why) = 0;

   protected:
    ~Listener() = default;
  };

  struct Closer {
    void operator()(Link* link) const { link->Close(); }
  };
  using Handle = std::unique_ptr<Link, Closer>;

  // Begins to connect. There is no time limit here: the owner closes what takes too long.
  static Handle Open(async::Loop& loop, const Address& address, Listener& listener);

  // To be written at the end of this turn: append to it, then call Written.
  std::string& out() { return out_; }
  void Written() { loop_.AtTurnEnd(*this); }

  // Counted over the life of the link: bytes given to the kernel (which may have reached the server), and
  // bytes ever appended.
  uint64_t bytes_handed_over() const { return handed_over_; }
  uint64_t bytes_appended() const { return handed_over_ + out_.size(); }
  // Waiting for the kernel to take them.
  size_t buffered() const { return out_.size() + writing_bytes_.size(); }

 private:
  Link(async::Loop& loop, const Address& address, Listener& listener);
  ~Link() = default;

  void OnTurnEnd() override;

  void Resolve();
  void ConnectUnix();
  void ConnectNext();
  void OnConnected(int status);
  // Tries the next address, or gives up with `status`.
  void NotReached(int status);
  void StartReading();
  void OnBytes(ssize_t count);
  void WriteRest();
  // Tells the listener, in a later turn: it may be in the middle of writing.
  void Fail(absl::Status why);
  void FailNow(absl::Status why);
  void Close();
  // The last of what libuv still holds of this object deletes it.
  void Release();
  struct Releaser {
    void operator()(Link* link) const { link->Release(); }
  };

  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&socket_); }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket_); }

  async::Loop& loop_;
  const Address address_;
  Listener* listener_;  // null once closed

  union {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } socket_;
  bool socket_open_ = false;  // initialised and not yet handed to uv_close
  int held_ = 0;              // requests and handles libuv will still call back for
  uv_getaddrinfo_t resolve_;
  bool resolving_ = false;
  struct AddressesDeleter {
    void operator()(addrinfo* list) const { uv_freeaddrinfo(list); }
  };
  std::unique_ptr<addrinfo, AddressesDeleter> addresses_;
  const addrinfo* next_address_ = nullptr;
  uv_connect_t connect_;
  uv_write_t write_;

  bool up_ = false;
  bool writing_ = false;  // write_ is under way with writing_bytes_
  std::string out_;
  std::string writing_bytes_;
  uint64_t handed_over_ = 0;
  ReplyParser parser_;
  std::array<char, 64 * 1024> in_;
};

}  // namespace motcua::redis
