#include "common/redis/address.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <sys/un.h>

#include <utility>

namespace motcua::redis {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kServer = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kSentinel = "sentinel://";
constexpr std::string_view kCluster = "cluster://";
constexpr std::string_view kServerPort = "6379";
constexpr std::string_view kSentinelPort = "26379";

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// host, host:port or [v6]:port.
absl::StatusOr<Address> ParseHost(std::string_view text, std::string_view default_port) {
  Address address;
  std::string_view host = text;
  std::string_view port = default_port;
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Wrong("an IPv6 address stands in brackets, as in [::1]:6379");
  }
  if (host.find('/') != std::string_view::npos || port.find('/') != std::string_view::npos) {
    return Wrong("nothing may follow the port: there is one database");
  }
  if (host.find('@') != std::string_view::npos) return Wrong("a user stands before redis://'s host alone");
  address.host = std::string(host);
  address.port = std::string(port);
  if (address.host.empty()) return Wrong("a host is missing");
  if (address.port.empty()) return Wrong("the port must be a number from 1 to 65535");
  return address;
}

absl::Status ParseList(std::string_view text, std::string_view default_port, Deployment& deployment) {
  for (absl::string_view each : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    absl::StatusOr<Address> address = ParseHost(std::string_view(each.data(), each.size()), default_port);
    if (!address.ok()) return address.status();
    deployment.addresses.push_back(*std::move(address));
  }
  return absl::OkStatus();
}

absl::Status ParseServer(std::string_view text, Deployment& deployment) {
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    if (user.find(':') != std::string_view::npos) {
      return Wrong("a password does not belong into an address: give it in a file");
    }
    if (user.empty()) return Wrong("the user before @ is missing");
    deployment.user = std::string(user);
    text.remove_prefix(at + 1);
  }
  if (text.find(',') != std::string_view::npos) {
    return Wrong("redis:// names one server; several are sentinel:// or cluster://");
  }
  return ParseList(text, kServerPort, deployment);
}

absl::Status ParseSentinels(std::string_view text, Deployment& deployment) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0) {
    return Wrong("must name the primary, as in sentinel://motcua@host1,host2,host3");
  }
  deployment.primary = std::string(text.substr(0, at));
  return ParseList(text.substr(at + 1), kSentinelPort, deployment);
}

absl::Status ParseSocket(std::string_view path, Deployment& deployment) {
  Address& address = deployment.addresses.emplace_back();
  address.path = std::string(path);
  if (!path.starts_with('/'))
    return Wrong("the socket's path must begin with /, as in unix:/run/motcua.sock");
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kMost) return absl::OkStatus();
  return Wrong(absl::StrCat("the path of a socket has at most ", kMost, " bytes"));
}

}  // namespace

std::string Address::ToString() const {
  if (!path.empty()) return absl::StrCat("unix:", path);
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<Deployment> ParseDeployment(std::string_view text) {
  Deployment deployment;
  absl::Status parsed;
  if (Consume(text, kUnix)) {
    parsed = ParseSocket(text, deployment);
  } else if (Consume(text, kServer)) {
    parsed = ParseServer(text, deployment);
  } else if (Consume(text, kSentinel)) {
    deployment.engine = Engine::kSentinel;
    parsed = ParseSentinels(text, deployment);
  } else if (Consume(text, kCluster)) {
    deployment.engine = Engine::kCluster;
    parsed = ParseList(text, kServerPort, deployment);
  } else if (text.starts_with(kTls)) {
    parsed = Wrong("rediss:// (TLS) is not spoken: use redis:// in a network of its own");
  } else if (text.find("://") != std::string_view::npos || text.rfind(':') == std::string_view::npos ||
             text.starts_with(':')) {
    parsed = Wrong("must be host:port, unix:/path, redis://, sentinel:// or cluster://");
  } else {
    parsed = ParseServer(text, deployment);
  }
  if (!parsed.ok()) return parsed;
  return deployment;
}

}  // namespace motcua::redis
