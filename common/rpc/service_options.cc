#include "common/rpc/service_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rpc/config_check.h"
#include "common/telemetry/build_info.h"
#include "common/telemetry/log.h"

namespace motcua::rpc {
namespace {

constexpr int kExitUsage = 2;
constexpr char kExitCodes[] =
    "Exit codes: 0 stopped as told, or --check_config found nothing wrong; 1 could not start or ended in an "
    "error, "
    "which the log tells; 2 an option is wrong, and nothing was started.";

// What CLI11 writes into, before it is checked and converted.
struct Texts {
  std::string config;
  std::string simulated_start = "1970-01-01T00:00:00Z";
  std::string drain = "10s";
  std::string max_connection_age = "5m";
  std::vector<std::string> peers;
};

void AddServerFlags(CLI::App& app, ServiceOptions& options) {
  app.add_option("--listen", options.server.listen,
                 "Address to serve gRPC on, as host:port; port 0 takes any free port.");
  app.add_option("--port_file", options.port_file,
                 "File that the port is written to once the service listens; it appears in one piece.");
  app.add_option("--tls_cert", options.server.tls.cert,
                 "PEM file with the service's certificate chain; its URI names the service to its peers.");
  app.add_option("--tls_key", options.server.tls.key, "PEM file with the private key of --tls_cert.");
  app.add_option("--tls_ca", options.server.tls.ca,
                 "PEM file with the private certificate authority that peers' certificates must come from.");
  app.add_flag("--require_client_cert", options.server.require_client_cert,
               "Refuses every connection without a client certificate, also those of callers with a token.");
  app.add_flag("--insecure", options.server.insecure,
               "Allows listening without TLS on an address other than loopback; for tests on a closed network.");
  app.add_option("--metrics_listen", options.metrics_listen,
                 "Address to serve Prometheus metrics on, as host:port; empty serves none.");
  app.add_option("--max_in_flight", options.max_in_flight,
                 "Calls served at the same time; one more is refused with RESOURCE_EXHAUSTED.")
      ->check(CLI::Range(1, 1000000));
}

void AddServiceFlags(CLI::App& app, ServiceOptions& options, Texts& texts) {
  app.add_option("--redis", options.redis,
                 "Where Redis is: host:port, redis://[user@]host:port or unix:/path for one server, "
                 "sentinel://primary@host1,host2,host3 for the primary that Sentinel names (port 26379), "
                 "cluster://host1,host2,host3 for a Redis Cluster.");
  app.add_option("--min_replicas", options.min_replicas,
                 "Replicas of Redis that must have received a change before it is acknowledged; 0 asks none.")
      ->check(CLI::Range(0, 16));
  app.add_option("--redis_user", options.redis_user,
                 "User (ACL) at the Redis servers and Sentinels; needs --redis_password_file. Empty is the "
                 "user in --redis, "
                 "else Redis' default user.");
  app.add_option("--redis_password_file", options.redis_password_file,
                 "File with the password for the Redis servers and Sentinels, read anew at every connect; "
                 "empty sends none.");
  app.add_option("--key_prefix", options.key_prefix,
                 "Prefix of all keys in Redis, so that several installations can share a server.");
  app.add_option("--jwt_keys", options.jwt_keys,
                 "Directory of public keys (*.pem, P-256) that tokens are verified with, or one such file; the key id "
                 "is the file's name without .pem. Empty accepts no tokens.");
  app.add_option("--jwt_issuer", options.jwt_issuer, "Issuer (iss) that tokens must name.");
  app.add_option("--jwt_audience", options.jwt_audience, "Audience (aud) that tokens must name.");
  app.add_option("--log_level", options.log_level, "Least level of the lines logged: debug, info, warning, error, off.");
  app.add_flag("--simulated_time", options.simulated_time,
               "Time stands still until an operator advances it; for demonstrations, replays and tests.");
  app.add_option("--simulated_start", texts.simulated_start,
                 "Where simulated time begins, in RFC 3339, where the service does not remember a later time.");
  app.add_option("--peer", texts.peers,
                 "Address of another service, as name=host:port; may be given once for each service.");
  app.add_option(
      "--max_connection_age", texts.max_connection_age,
      "After about this time clients are made to connect anew, so that new replicas get their share; such as "
      "5m, and 0 for never. What runs on a connection is not cut.");
  app.add_option("--drain", texts.drain, "How long calls in hand may still take when the service stops, such as 10s.");
}

void Convert(const Texts& texts, const Settings& settings, ServiceOptions& options,
             std::vector<std::string>& problems) {
  auto tell = [&settings, &problems](const char* option, absl::string_view problem) {
    problems.push_back(absl::StrCat(PlaceOf(settings, option), ": ", problem));
  };
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, texts.simulated_start, &options.simulated_start, &error)) {
    tell("simulated_start", absl::StrCat("must be a time such as 2025-01-24T08:30:00Z: ", error));
  }
  if (!absl::ParseDuration(texts.drain, &options.drain) || options.drain < absl::ZeroDuration()) {
    tell("drain", "must be a duration such as 10s");
  }
  absl::Duration age;
  if (!absl::ParseDuration(texts.max_connection_age, &age) || age < absl::ZeroDuration() ||
      age > absl::Hours(24) || (age > absl::ZeroDuration() && age < absl::Seconds(1))) {
    tell("max_connection_age", "must be a duration from 1s to 24h, or 0");
  } else if (age > absl::ZeroDuration()) {
    options.server.max_connection_age = age;
  }
  if (!options.redis_user.empty() && options.redis_password_file.empty()) {
    tell("redis_user", "needs --redis_password_file");
  }
  for (size_t i = 0; i < texts.peers.size(); ++i) {
    const std::string& peer = texts.peers[i];
    const std::vector<std::string>& places = settings.at("peer").places;
    const std::string& place = places.at(std::min(i, places.size() - 1));
    size_t equals = peer.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == peer.size()) {
      problems.push_back(absl::StrCat(place, ": ", peer, ": must be name=host:port"));
    } else if (!options.peers.emplace(peer.substr(0, equals), peer.substr(equals + 1)).second) {
      problems.push_back(absl::StrCat(place, ": ", peer.substr(0, equals), " is given twice"));
    }
  }
  telemetry::Level level;
  if (!telemetry::ParseLevel(options.log_level, level)) {
    tell("log_level", "must be debug, info, warning, error or off");
  }
  const TlsFiles& tls = options.server.tls;
  if (!tls.empty()) {
    for (const auto& [name, path] :
         {std::pair("tls_cert", &tls.cert), std::pair("tls_key", &tls.key), std::pair("tls_ca", &tls.ca)}) {
      if (path->empty())
        tell(name, "is missing: give all three of --tls_cert, --tls_key and --tls_ca, or none");
    }
  }
  if (options.server.require_client_cert && tls.empty()) {
    tell("require_client_cert", "needs --tls_cert, --tls_key and --tls_ca");
  }
  if (tls.empty() && !options.server.insecure && !IsLoopback(options.server.listen)) {
    tell("listen", "without TLS only a loopback address is listened on, unless told --insecure");
  }
}

std::vector<std::string> Effective(const CLI::App& app, const Settings& settings,
                                   const std::vector<ExtraFlag>& extra_flags) {
  std::vector<std::string> lines;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    auto setting = settings.find(name);
    if (setting == settings.end()) continue;
    bool secret = std::any_of(extra_flags.begin(), extra_flags.end(),
                              [&name](const ExtraFlag& flag) { return flag.secret && flag.name == name; });
    std::string value = option->count() > 0 ? absl::StrJoin(option->results(), ",") : option->get_default_str();
    if (secret && !value.empty()) value = "***";
    lines.push_back(absl::StrCat(name, "=", value, " (", setting->second.source, ")"));
  }
  return lines;
}

// The flags' own checks, of what was given.
void CheckExtra(const std::vector<ExtraFlag>& extra_flags, const Settings& settings,
                std::vector<std::string>& problems) {
  for (const ExtraFlag& flag : extra_flags) {
    const Setting& setting = settings.at(flag.name);
    if (flag.check == nullptr || setting.values.empty()) continue;
    std::string problem = flag.check(setting.values.back());
    if (!problem.empty()) problems.push_back(absl::StrCat(setting.places.back(), ": ", problem));
  }
}

constexpr char kFileSuffix[] = "_file";

// A secret may be in a file of its own, where neither the process list nor the environment shows it.
void TakeSecretFiles(const std::vector<ExtraFlag>& extra_flags, const Settings& settings,
                     ServiceOptions& options, std::vector<std::string>& problems) {
  for (const ExtraFlag& flag : extra_flags) {
    if (!flag.secret) continue;
    const Setting& file = settings.at(flag.name + kFileSuffix);
    if (file.values.empty() || file.values.back().empty()) continue;
    std::string content;
    std::string problem = ReadProblem(file.values.back(), content);
    if (problem.empty() && !options.extra[flag.name].empty()) {
      problem = absl::StrCat("--", flag.name, " is given, too");
    }
    if (!problem.empty()) {
      problems.push_back(absl::StrCat(file.places.back(), ": ", problem));
    } else {
      options.extra[flag.name] = std::string(absl::StripAsciiWhitespace(content));
    }
  }
}

}  // namespace

ValueCheck PositiveDuration() {
  return [](const std::string& value) -> std::string {
    absl::Duration duration;
    bool good = absl::ParseDuration(value, &duration) && duration > absl::ZeroDuration();
    return good ? "" : "must be a duration above zero such as 12s";
  };
}

ValueCheck IntegerBetween(int least, int most) {
  return [least, most](const std::string& value) {
    int number = 0;
    bool good = absl::SimpleAtoi(value, &number) && number >= least && number <= most;
    return good ? "" : absl::StrCat("must be a whole number from ", least, " to ", most);
  };
}

Variables EnvironmentOfProcess() {
  Variables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    size_t equals = text.find('=');
    if (!absl::StartsWith(text, "MOTCUA_") || equals == std::string::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

ParsedOptions ParseServiceOptions(const std::string& service, const std::string& description,
                                  const std::vector<ExtraFlag>& extra_flags,
                                  const std::vector<std::string>& required_peers, int argc,
                                  const char* const* argv, const Variables& environment) {
  ParsedOptions parsed;
  auto finish = [&parsed](int exit_code, std::string message) {
    parsed.finished = true;
    parsed.exit_code = exit_code;
    parsed.message = std::move(message);
  };
  auto refuse = [&finish](const std::vector<std::string>& problems) {
    finish(kExitUsage, absl::StrCat(absl::StrJoin(problems, "\n"), "\nRun with --help for the options.\n"));
  };
  Texts texts;
  std::map<std::string, std::string> secret_files;
  CLI::App app(description, "motcua-" + service);
  app.footer(kExitCodes);
  app.option_defaults()->always_capture_default();
  app.add_option("--config", texts.config,
                 "YAML file of options, name: value; the command line and MOTCUA_* variables win over it.");
  app.set_version_flag("--version", telemetry::VersionLine("motcua-" + service),
                       "Prints which build it is and ends.");
  app.add_flag(
      "--check_config", parsed.options.check_config,
      "Checks the configuration as a start does, certificates and peers included, prints it and ends.");
  AddServerFlags(app, parsed.options);
  AddServiceFlags(app, parsed.options, texts);
  for (const ExtraFlag& flag : extra_flags) {
    std::string& value = parsed.options.extra[flag.name] = flag.default_value;
    CLI::Option* option = app.add_option("--" + flag.name, value, flag.help);
    if (!flag.secret) continue;
    option->default_str("");
    app.add_option(absl::StrCat("--", flag.name, kFileSuffix), secret_files[flag.name],
                   absl::StrCat("File that holds --", flag.name, "; an empty file: none."));
  }

  std::vector<std::string> problems;
  try {
    if (!ParseCommandLine(app, argc, argv, problems)) {
      refuse(problems);
      return parsed;
    }
  } catch (const CLI::CallForHelp&) {
    finish(0, app.help());
    return parsed;
  } catch (const CLI::CallForVersion& version) {
    finish(0, absl::StrCat(version.what(), "\n"));
    return parsed;
  }
  std::string config_place = "--config";
  if (auto named = environment.find("MOTCUA_CONFIG"); texts.config.empty() && named != environment.end()) {
    texts.config = named->second;
    config_place = "MOTCUA_CONFIG";
  }
  const Settings settings =
      LayerFlags(app, texts.config, config_place, environment, problems, parsed.warnings);
  Convert(texts, settings, parsed.options, problems);
  TakeSecretFiles(extra_flags, settings, parsed.options, problems);
  CheckExtra(extra_flags, settings, problems);
  CheckSettings(settings, parsed.options.peers, required_peers, problems);
  parsed.effective = Effective(app, settings, extra_flags);
  if (!problems.empty()) {
    for (const std::string& warning : parsed.warnings) problems.push_back("warning: " + warning);
    refuse(problems);
  } else if (parsed.options.check_config) {
    finish(0, absl::StrCat(absl::StrJoin(parsed.effective, "\n"), "\n"));
  }
  return parsed;
}

}  // namespace motcua::rpc
