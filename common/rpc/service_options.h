// The options that every service has, from flags, environment, a file, or their defaults, in this order.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/layered_flags.h"
#include "common/rpc/server.h"

namespace motcua::rpc {

// What is wrong with a value, as "must be ..."; empty where nothing is.
using ValueCheck = std::function<std::string(const std::string& value)>;

ValueCheck PositiveDuration();  // `12s`
ValueCheck IntegerBetween(int least, int most);

// A flag that one service has beside the common ones; its value arrives in ServiceOptions::extra, checked.
class ExtraFlag {
 public:
  ExtraFlag(std::string name, std::string help, std::string default_value = "", bool secret = false,
            ValueCheck check = nullptr)
      : name(std::move(name)),
        help(std::move(help)),
        default_value(std::move(default_value)),
        secret(secret),
        check(std::move(check)) {}
  std::string name;  // `smtp_server`
  std::string help;  // a full sentence
  std::string default_value;
  bool secret;  // masked where the configuration is logged; may be given as a file, too, by `<name>_file`
  ValueCheck check;  // may be null
};

class ServiceOptions {
 public:
  ServiceOptions() {}

  ServerOptions server;
  std::string port_file;
  // In one of the forms of common/redis/address.h.
  std::string redis = "127.0.0.1:6379";
  // Its ACL user, and the file with the password; empty: none.
  std::string redis_user;
  std::string redis_password_file;
  // Replicas of Redis that must have a change before it is acknowledged.
  int min_replicas = 0;
  // Prefix of all keys: `<key_prefix><service's part>`.
  std::string key_prefix = "motcua:";
  std::string jwt_keys;
  std::string jwt_issuer = "motcua";
  std::string jwt_audience = "motcua";
  std::string metrics_listen;
  std::string log_level = "info";
  int max_in_flight = 1024;
  bool simulated_time = false;
  // Where simulated time begins.
  absl::Time simulated_start = absl::UnixEpoch();
  // Addresses of other services by name.
  std::map<std::string, std::string> peers;
  // How long calls in hand may still take when the service stops.
  absl::Duration drain = absl::Seconds(10);
  std::map<std::string, std::string> extra;

  bool check_config = false;
};

// What parsing came to: options, or the program's end (help was asked for, or the command line is wrong).
class ParsedOptions {
 public:
  ParsedOptions() {}
  ServiceOptions options;
  // Each option with its value and where it came from, secrets masked: "listen=127.0.0.1:0 (default)".
  std::vector<std::string> effective;
  // What may be a mistake and may be none, one line each.
  std::vector<std::string> warnings;
  // Set: end with this code after `message` was printed.
  bool finished = false;
  int exit_code = 0;
  std::string message;
};

// The variables of this process that begin with MOTCUA_.
Variables EnvironmentOfProcess();

// An option that has no flag has its value from `environment`, else from the file. A repeatable option is a
// list in the file and separated by commas in the environment. `required_peers`: services whose address must
// be given. Everything that can be found wrong before the start is found here, by a start as by
// --check_config: what is unknown or does not fit, files that are missing or useless, certificates that will
// not do, addresses, peers. All of it goes into one message with exit code 2, a line each, that begins with
// the place: `motcua.yaml:12: tls_cert`, `MOTCUA_TLS_CERT` or `--tls_cert`.
ParsedOptions ParseServiceOptions(const std::string& service, const std::string& description,
                                  const std::vector<ExtraFlag>& extra_flags,
                                  const std::vector<std::string>& required_peers, int argc,
                                  const char* const* argv, const Variables& environment);

}  // namespace motcua::rpc
