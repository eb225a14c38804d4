#include "clients/motcua/settings.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "common/telemetry/trace.h"

namespace motcua::client {
namespace {

void Take(const char* name, std::string& value) {
  const char* given = std::getenv(name);
  if (given != nullptr && *given != '\0') value = given;
}

}  // namespace

Settings SettingsFromEnvironment() {
  Settings settings;
  Take("MOTCUA_INTAKE", settings.addresses[0]);
  Take("MOTCUA_ROUTING", settings.addresses[1]);
  Take("MOTCUA_DEADLINE", settings.addresses[2]);
  Take("MOTCUA_NOTIFICATION", settings.addresses[3]);
  Take("MOTCUA_TOKEN", settings.token);
  Take("MOTCUA_TOKEN_FILE", settings.token_file);
  Take("MOTCUA_TLS_CA", settings.tls_ca);
  Take("MOTCUA_TLS_CERT", settings.tls_cert);
  Take("MOTCUA_TLS_KEY", settings.tls_key);
  Take("MOTCUA_SIGNING_KEY", settings.signing_key);
  Take("MOTCUA_SIGNING_KID", settings.signing_kid);
  std::string outer_trace;
  Take("MOTCUA_TRACEPARENT", outer_trace);
  settings.traceparent = telemetry::ContinueTrace(outer_trace);
  std::string language;
  Take("LANG", language);
  settings.english = absl::StartsWith(language, "en");
  return settings;
}

}  // namespace motcua::client
