#include "common/rpc/config_check.h"

#include <arpa/inet.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/auth/jwt_keys.h"
#include "common/redis/address.h"
#include "common/rpc/service_names.h"

namespace motcua::rpc {
namespace {

enum class FileKind {
  kPem,        // of the service's own TLS: read, then looked into together
  kTokenKeys,  // a public key, or a directory of them
  kSecret,     // a line of text
  kWritten,    // by the service: its directory must be there
};

struct FileOption {
  const char* name;
  FileKind kind;
};

// Every option whose value is a path; one that a service does not have is passed over.
constexpr FileOption kFileOptions[] = {
    {"tls_cert", FileKind::kPem},
    {"tls_key", FileKind::kPem},
    {"tls_ca", FileKind::kPem},
    {"jwt_keys", FileKind::kTokenKeys},
    {"peer_token_file", FileKind::kSecret},
    {"redis_password_file", FileKind::kSecret},
    {"port_file", FileKind::kWritten},
};

struct AddressOption {
  const char* name;
  AddressKind kind;
};

constexpr AddressOption kAddressOptions[] = {{"listen", AddressKind::kListen},
                                             {"metrics_listen", AddressKind::kMetrics},
                                             {"redis", AddressKind::kRedis}};

std::string EmptyProblem(const std::string& path, std::string& content) {
  if (!absl::StripAsciiWhitespace(content).empty()) return "";
  content.clear();
  return absl::StrCat(path, " is empty");
}

std::string TokenKeysProblem(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return absl::StrCat("cannot read ", path, ": ", std::strerror(errno));
  auto keys = auth::JwtKeys::Load(path);
  return keys.ok() ? "" : absl::StrCat(path, ": ", std::string(keys.status().message()));
}

std::string WriteProblem(const std::string& path) {
  std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = std::filesystem::path(".");
  if (access(directory.c_str(), W_OK | X_OK) == 0) return "";
  return absl::StrCat("cannot write into ", directory.string(), ": ", std::strerror(errno));
}

std::string PortProblem(absl::string_view port, bool any) {
  int number = -1;
  bool digits = !port.empty() && std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  if (digits && absl::SimpleAtoi(port, &number) && number <= 65535 && number >= (any ? 0 : 1)) return "";
  return absl::StrCat("the port must be a number from ", any ? 0 : 1, " to 65535");
}

std::string HostProblem(absl::string_view host) {
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    in6_addr parsed;
    std::string inner(host.substr(1, host.size() - 2));
    return inet_pton(AF_INET6, inner.c_str(), &parsed) == 1 ? ""
                                                            : "what stands in brackets is no IPv6 address";
  }
  if (absl::StrContains(host, ":")) return "an IPv6 address stands in brackets, as in [::1]:7001";
  bool name = !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
  return name ? "" : "the host must be a name or an address";
}

void CheckPeers(const Settings& settings, const std::map<std::string, std::string>& peers,
                const std::vector<std::string>& required, std::vector<std::string>& problems) {
  // Of one peer among those of the option: where it was given.
  auto place = [&settings](const std::string& peer) {
    auto setting = settings.find("peer");
    for (size_t i = 0; setting != settings.end() && i < setting->second.values.size(); ++i) {
      if (absl::StartsWith(setting->second.values.at(i), peer + "=")) return setting->second.places.at(i);
    }
    return PlaceOf(settings, "peer");
  };
  for (const auto& [name, address] : peers) {
    if (!IsServiceName(name)) {
      problems.push_back(absl::StrCat(place(name), ": there is no service ", name, "; they are ",
                                      absl::StrJoin(kServiceNames, ", ")));
    }
    if (std::string problem = AddressProblem(address, AddressKind::kPeer); !problem.empty()) {
      problems.push_back(absl::StrCat(place(name), ": ", name, "=", address, ": ", problem));
    }
  }
  for (const std::string& name : required) {
    if (peers.count(name) == 0) {
      problems.push_back(absl::StrCat(PlaceOf(settings, "peer"), ": the address of ", name,
                                      " is missing: ", name, "=host:port"));
    }
  }
}

}  // namespace

namespace {

// `any`: port 0 is one, too.
std::string HostPortProblem(absl::string_view host, absl::string_view port, bool any) {
  std::string problem = HostProblem(host);
  return problem.empty() ? PortProblem(port, any) : problem;
}

std::string RedisProblem(absl::string_view address) {
  absl::StatusOr<redis::Deployment> parsed =
      redis::ParseDeployment(std::string_view(address.data(), address.size()));
  if (!parsed.ok()) return std::string(parsed.status().message());
  for (const redis::Address& each : parsed->addresses) {
    if (!each.path.empty()) continue;
    const bool v6 = absl::StrContains(each.host, ":");
    const std::string host = v6 ? absl::StrCat("[", each.host, "]") : each.host;
    const std::string problem = HostPortProblem(host, each.port, /*any=*/false);
    if (problem.empty()) continue;
    return parsed->addresses.size() == 1 ? problem : absl::StrCat(each.ToString(), ": ", problem);
  }
  return "";
}

}  // namespace

std::string AddressProblem(absl::string_view address, AddressKind kind) {
  if (kind == AddressKind::kRedis) return RedisProblem(address);
  if (absl::StartsWith(address, "unix:")) {
    if (kind == AddressKind::kMetrics) return "must be host:port";
    absl::string_view path = address.substr(std::strlen("unix:"));
    if (!absl::StartsWith(path, "/"))
      return "the socket's path must begin with /, as in unix:/run/motcua.sock";
    constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
    return path.size() <= kMost ? "" : absl::StrCat("the path of a socket has at most ", kMost, " bytes");
  }
  if (kind == AddressKind::kPeer) {
    if (absl::ConsumePrefix(&address, "ipv4:")) {
      std::string problem;
      for (absl::string_view each : absl::StrSplit(address, ',')) {
        if (!problem.empty()) break;
        const size_t end = each.rfind(':');
        problem = end == absl::string_view::npos
                      ? "must be host:port"
                      : HostPortProblem(each.substr(0, end), each.substr(end + 1), /*any=*/false);
      }
      return problem;
    }
    if (absl::ConsumePrefix(&address, "dns:")) absl::ConsumePrefix(&address, "///");
  }
  size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return kind == AddressKind::kMetrics ? "must be host:port" : "must be host:port or unix:/path";
  }
  return HostPortProblem(address.substr(0, colon), address.substr(colon + 1),
                         kind == AddressKind::kListen || kind == AddressKind::kMetrics);
}

void CheckSettings(const Settings& settings, const std::map<std::string, std::string>& peers,
                   const std::vector<std::string>& required_peers, std::vector<std::string>& problems) {
  auto value = [&settings](const std::string& name) {
    auto found = settings.find(name);
    return found == settings.end() || found->second.values.empty() ? "" : found->second.values.back();
  };
  auto tell = [&settings, &problems](const std::string& option, const std::string& problem) {
    if (!problem.empty()) problems.push_back(absl::StrCat(PlaceOf(settings, option), ": ", problem));
  };
  std::map<std::string, std::string> pem;
  for (const auto& [name, kind] : kFileOptions) {
    const std::string path = value(name);
    if (path.empty()) continue;
    std::string content;
    switch (kind) {
      case FileKind::kPem:
      case FileKind::kSecret: {
        std::string problem = ReadProblem(path, content);
        tell(name, problem.empty() ? EmptyProblem(path, content) : problem);
        pem[name] = content;
        break;
      }
      case FileKind::kTokenKeys:
        tell(name, TokenKeysProblem(path));
        break;
      case FileKind::kWritten:
        tell(name, WriteProblem(path));
        break;
    }
  }
  for (const auto& [option, problem] :
       CertificateProblems(pem["tls_cert"], pem["tls_key"], pem["tls_ca"], absl::Now())) {
    tell(option, absl::StrCat(value(option), ": ", problem));
  }
  for (const auto& [name, kind] : kAddressOptions) {
    const std::string address = value(name);
    if (!address.empty()) tell(name, AddressProblem(address, kind));
  }
  absl::StatusOr<redis::Deployment> redis = redis::ParseDeployment(value("redis"));
  if (redis.ok() && !redis->user.empty()) {
    if (value("redis_password_file").empty()) tell("redis", "a user needs --redis_password_file");
    const std::string user = value("redis_user");
    if (!user.empty() && user != redis->user) tell("redis_user", "is not the user in --redis");
  }
  CheckPeers(settings, peers, required_peers, problems);
}

}  // namespace motcua::rpc
