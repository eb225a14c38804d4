// What can be known to be wrong with the options of a service before it starts: files, certificates,
// addresses, peers.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/certificate_check.h"
#include "common/rpc/layered_flags.h"

namespace motcua::rpc {

// Addresses differ in what they may be.
enum class AddressKind {
  kListen,   // host:port (port 0: any free one) or unix:/path
  kMetrics,  // host:port (port 0: any free one)
  kRedis,    // what common/redis/address.h lists
  kPeer,     // host:port or dns:///host:port, which spread calls over all addresses of the name; unix:/path;
             // ipv4:host:port,host:port,... for a list of addresses without a name
};

// What is wrong with the address; empty where nothing is. IPv6 hosts stand in brackets.
std::string AddressProblem(absl::string_view address, AddressKind kind);

// Looks at the options that name files or addresses, and at the peers by name. `required_peers`: services
// without whose address this one does not start. Adds a line for each problem, beginning with its place.
void CheckSettings(const Settings& settings, const std::map<std::string, std::string>& peers,
                   const std::vector<std::string>& required_peers, std::vector<std::string>& problems);

}  // namespace motcua::rpc
