// ReplyParser: hiredis' protocol reader, building Reply values in place.
//
// hiredis' own asynchronous connection is not used: version 0.14 has no connect or command timeout, resolves names
// on the calling thread, and its libuv adapter ignores a socket error (POLLERR), so that a refused connection would
// never be reported. Its reader is: the part that parses untrusted bytes.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string_view>

#include "common/redis/reply.h"

struct redisReader;

namespace motcua::redis {

// Not thread-safe. After an error the stream is out of step for good: drop the connection.
class ReplyParser {
 public:
  ReplyParser();
  ~ReplyParser();
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

  // Adds bytes as they came from the network, in any pieces.
  absl::Status Feed(std::string_view bytes);

  // True and `*reply` filled when a whole reply was there; false when more bytes are needed. INTERNAL
  // (STORE_PROTOCOL) when the bytes are not the protocol, nest deeper than seven arrays, or announce an array
  // of more than four million items.
  absl::StatusOr<bool> Next(Reply* reply);

 private:
  struct ReaderDeleter {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  Reply root_;  // under construction
};

}  // namespace motcua::redis
