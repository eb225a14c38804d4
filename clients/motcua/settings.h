// What the command line and the environment say about whom to call, as whom, and how to answer.
#pragma once

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/service_names.h"

namespace motcua::client {

// Services, in the order of their dependence.
enum class Service { kIntake, kRouting, kDeadlineMonitor, kNotification };
inline constexpr std::array<Service, 4> kServices = {Service::kIntake, Service::kRouting,
                                                     Service::kDeadlineMonitor, Service::kNotification};
using rpc::kServiceNames;
inline const char* NameOf(Service service) { return kServiceNames[static_cast<size_t>(service)]; }

struct Settings {
  // host:port of each service; flag or MOTCUA_INTAKE, MOTCUA_ROUTING, MOTCUA_DEADLINE, MOTCUA_NOTIFICATION.
  std::array<std::string, 4> addresses;
  // A bearer token, or a file that holds one (MOTCUA_TOKEN, MOTCUA_TOKEN_FILE); an empty file holds none.
  std::string token;
  std::string token_file;
  // PEM files (MOTCUA_TLS_CA, MOTCUA_TLS_CERT, MOTCUA_TLS_KEY). None = no TLS, loopback only.
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  // PEM file of the development key that tokens are minted with (MOTCUA_SIGNING_KEY, MOTCUA_SIGNING_KID); the
  // issuer and audience are those that the services expect by default. An empty file: no key.
  std::string signing_key;
  std::string signing_kid = "dev";
  std::string issuer = "motcua";
  std::string audience = "motcua";
  // `officer-id@agency:role,role`; needs the signing key.
  std::string as;
  // W3C trace context that every call of this command belongs to: a span of the one in MOTCUA_TRACEPARENT,
  // else a new trace.
  std::string traceparent;
  bool json = false;
  // Tells the trace id of a command that went well, too.
  bool verbose = false;
  bool english = false;
  // How long a call is repeated while its service is away.
  absl::Duration patience = absl::Seconds(5);

  // The Vietnamese or the English text.
  const char* Say(const char* vi, const char* en) const { return english ? en : vi; }
};

// From MOTCUA_* and LANG; flags override it.
Settings SettingsFromEnvironment();

}  // namespace motcua::client
