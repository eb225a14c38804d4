// Reconnected: what tests use that put another server in the place of Redis.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include "common/redis/client.h"
#include "tests/support/wait.h"

namespace motcua::test {

// Does `replace`, and returns true when the client has come to the new server. To wait until it is connected
// would not do: until it has noticed that the old server is gone it still is.
inline bool Reconnected(redis::Client& client, absl::FunctionRef<void()> replace) {
  // Not from this thread: the client is confined to its loop.
  const auto connects = [&client] {
    uint64_t count = 0;
    client.loop().RunAndWait([&] { count = client.stats().connects; });
    return count;
  };
  const auto connected = [&client] {
    bool is = false;
    client.loop().RunAndWait([&] { is = client.connected(); });
    return is;
  };
  const uint64_t before = connects();
  replace();
  return WaitUntil([&] { return connects() > before && connected(); }, absl::Seconds(30));
}

}  // namespace motcua::test
