// Which addresses a webhook may lead to: outside ones only, so that nobody reaches the inside through us
// (SSRF).
#pragma once

#include <sys/socket.h>

namespace motcua::notification {

// False for loopback, private, link-local, shared, multicast, reserved and unspecified addresses of IPv4 and
// IPv6, for IPv6 forms that carry such an IPv4 address (mapped, compatible, NAT64, 6to4), and for other
// families. Judge the address that is about to be connected to, not a name: a name may resolve anew.
// Registries: RFC 6890 and its updates.
bool IsPublicAddress(const sockaddr& address);

}  // namespace motcua::notification
