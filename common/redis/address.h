// Where Redis is: the text of an option, taken apart. Pure.
//
//   host:port, redis://[user@]host[:port]       one server
//   unix:/path                                  one server on this machine
//   sentinel://name@host[:port],host[:port]...  the primary that the Sentinels at these addresses name
//   cluster://host[:port],host[:port]...        a Redis Cluster, of which these nodes are asked first
//
// Ports default to 6379, of Sentinels to 26379. IPv6 addresses stand in brackets.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

namespace motcua::redis {

// One server.
struct Address {
  std::string path;  // of a Unix socket; else empty
  std::string host;  // without brackets
  std::string port;

  // `unix:/path`, `host:port` or `[v6]:port`.
  std::string ToString() const;
  bool operator==(const Address& other) const = default;
};

enum class Engine { kServer, kSentinel, kCluster };

struct Deployment {
  Engine engine = Engine::kServer;
  // The ACL user that stands in the address; empty: none does.
  std::string user;
  // What the Sentinels call the primary; of kSentinel alone.
  std::string primary;
  // At least one; of kServer exactly one.
  std::vector<Address> addresses;
};

// INVALID_ARGUMENT, with what is wrong with it as "must be ..." or the like, when `text` is none of the
// forms above. Whether a host can be one is not looked into.
absl::StatusOr<Deployment> ParseDeployment(std::string_view text);

}  // namespace motcua::redis
