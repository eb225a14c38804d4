// Client: self-healing, pipelined connections to the servers of one Redis: one server, the primary that
// Sentinel names, or the nodes of a cluster (address.h).
//
//   Options options;
//   options.address = "unix:/run/redis.sock";
//   Client redis(loop, options);
//   Command get("GET");
//   get.Arg(key);
//   absl::StatusOr<Reply> reply = co_await redis.Execute(std::move(get), deadline);
//
// All commands issued in one turn of the loop leave in one write per server, and are answered in the order of
// issue; so two commands of one coroutine, or of two, are applied in the order in which they were awaited. On
// a cluster that holds for keys of one slot, but while it is moved.
//
// A server that does not take writes (a demoted primary, a replica that will be promoted) is never connected
// to: its ROLE is asked for on each new connection and with each heartbeat.
//
// Errors. Every status carries a reason (common/status/errors.h):
//   UNAVAILABLE STORE_UNAVAILABLE      not connected, or the connection went before the command was written,
//   or the
//                                      server cannot serve it now (LOADING, READONLY, MASTERDOWN,
//                                      CLUSTERDOWN, NOREPLICAS, TRYAGAIN, BUSY, MISCONF): it had no effect
//   UNAVAILABLE OUTCOME_UNKNOWN        the connection went after the command was (perhaps) written: it may or
//   may
//                                      not have had its effect; repeat it only under the same request id
//   DEADLINE_EXCEEDED STORE_DEADLINE   no answer in time; effect unknown as above, unless it was over on
//   arrival CANCELLED CANCELLED                by the token; effect unknown RESOURCE_EXHAUSTED
//   STORE_BUSY too many commands or bytes are waiting already; nothing was sent RESOURCE_EXHAUSTED
//   STORE_FULL    the server is out of memory (OOM) UNAVAILABLE STORE_AUTH             the server does not
//   know this user or password (WRONGPASS, NOAUTH), or the password
//                                      file cannot be read; logged, as the next one is
//   INTERNAL STORE_NOT_ALLOWED         the user's ACL does not allow this command or key (NOPERM); it had no
//   effect INTERNAL STORE_ERROR               any other error reply; its text is in ErrorText(status), not in
//   the message,
//                                      because it may quote keys or script lines
//
// A command whose caller has gone (deadline, cancellation, destroyed coroutine) keeps its place in the
// pipeline: the late answer is taken and dropped. A blocking command (XREAD BLOCK, WAIT) holds up everything
// behind it and the heartbeat: give it a Client of its own, and block for less than ping_interval.
//
// Sentinel. READONLY and the like drop the connection, and the Sentinels are asked before each new one; also
// each second, so that a fail-over is followed that leaves the old connections standing.
//
// Cluster. A command goes to the node of its first key's slot; one without keys to any node. MOVED and ASK
// are followed (the command had no effect where it was answered so), but not to a connection that is younger
// than the command: what it was decided on may be of an older state; then, and when TRYAGAIN does not end in
// time, it is UNAVAILABLE (STORE_UNAVAILABLE).
//
// Thread-safety: construction, destruction, connected() and stats() from any thread; all else on the loop
// (asserted). Destroying a client fails what is in flight (UNAVAILABLE) and must come after its users stopped
// calling it and before the loop goes.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/redis/command.h"
#include "common/redis/reply.h"
#include "common/redis/script.h"

namespace motcua::redis {

struct Options {
  // Where Redis is, in one of the forms of address.h. A name is resolved at every connect.
  std::string address = "127.0.0.1:6379";
  // Sent with AUTH at every connect; empty: no AUTH.
  std::string password;
  // The ACL user that the password is for; empty: the one in the address, else Redis' default user.
  std::string user;
  // File that the password is read from at every connect, so that it can be changed without a restart;
  // empty: `password` is what is sent.
  std::string password_file;
  // From the start of a connection attempt to the server's answer.
  absl::Duration connect_timeout = absl::Seconds(2);
  // So many replicas must have what a script with a marker wrote before it is answered; 0: none.
  int min_replicas = 0;
  // How long they are waited for, at most: the outcome is unknown then.
  absl::Duration replica_patience = absl::Seconds(5);
  // Commands issued and not yet answered; one more is refused with RESOURCE_EXHAUSTED.
  size_t max_in_flight = 10'000;
  // Bytes formatted and not yet taken by the kernel; a command beyond is refused with RESOURCE_EXHAUSTED.
  size_t max_buffered_bytes = size_t{64} << 20;
  // Pause between heartbeats. InfiniteDuration: no heartbeat.
  absl::Duration ping_interval = absl::Seconds(2);
  // Heartbeats without any answer from the server after which the connection is given up.
  int max_missed_pings = 3;
  // Reconnecting waits a random time below a bound that starts here, doubles with each failure ...
  absl::Duration min_backoff = absl::Milliseconds(20);
  // ... and ends here.
  absl::Duration max_backoff = absl::Seconds(1);
};

// Counts since construction, for metrics.
struct ClientStats {
  // Commands given to the connection (heartbeats and AUTH not counted).
  uint64_t commands = 0;
  // Answers that came after their caller had gone.
  uint64_t late_replies = 0;
  // Commands refused by max_in_flight or max_buffered_bytes.
  uint64_t refused = 0;
  // Connections that reached the ready state.
  uint64_t connects = 0;
  // Ready connections that were lost.
  uint64_t disconnects = 0;
  // EVALSHA answered with NOSCRIPT and repeated as EVAL.
  uint64_t script_loads = 0;
  // Issued and not yet answered, now.
  uint64_t in_flight = 0;
};

class Pipeline;
class Router;

class Client {
 public:
  // Starts connecting; does not wait.
  Client(async::Loop& loop, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Issues `command` and awaits its answer. The answer's top level is never an error reply (see above); items
  // of an array may be.
  async::Task<absl::StatusOr<Reply>> Execute(Command command, absl::Time deadline,
                                             async::CancelToken cancel = async::CancelToken());

  // Calls a script, loading it if need be.
  async::Task<absl::StatusOr<Reply>> Eval(ScriptCall call, absl::Time deadline,
                                          async::CancelToken cancel = async::CancelToken());
  async::Task<absl::StatusOr<Reply>> Eval(const Script& script, const std::vector<std::string>& keys,
                                          const std::vector<std::string>& args, absl::Time deadline,
                                          async::CancelToken cancel = async::CancelToken());

  // What the client runs on. Any thread.
  async::Loop& loop() const;

  // OK when min_replicas replicas have everything that was answered on the key's server so far; at once
  // where none are asked for. `key` is written, as an empty string, and is nobody's otherwise. Errors:
  // UNAVAILABLE (OUTCOME_UNKNOWN) when they do not say so in time or the server is not connected, CANCELLED.
  async::Task<absl::Status> Confirm(std::string key, absl::Time deadline,
                                    async::CancelToken cancel = async::CancelToken());

  // Commands can be sent: the connection is up and the server takes writes; of a cluster, of every node that
  // has slots. Any thread.
  bool connected() const;

  // Keys of different slots cannot be in one command, and what blocks holds up all slots of the node. Any
  // thread.
  bool clustered() const;

  // A client of the same servers with connections of its own, to the nodes that it is used for alone; shares
  // what is known of the servers, and the counts.
  std::unique_ptr<Client> Sibling();

  // Number of the connection that commands on `key` go over; 0: none yet. Another one before anything can be
  // sent over another connection, and never the same for two, siblings' included: what was found out about
  // the server holds while it stays the same. On the loop.
  uint64_t connection(std::string_view key) const;

  // Why the connection was last lost or not made (OK: never happened). For logs: may name the host. Any
  // thread.
  absl::Status last_error() const;

  // OK as soon as connected() holds; UNAVAILABLE when that is not before `deadline`.
  async::Task<absl::Status> WaitConnected(absl::Time deadline, async::CancelToken cancel = async::CancelToken());

  // Adds an observer, called on the loop with the value of connected() each time that a connection was made
  // or lost, and soon after it was added if connected() holds. It stays for the life of the client. Any
  // thread.
  void OnConnectionChange(absl::AnyInvocable<void(bool connected)> observer);

  // Calls `observer` on the loop with the time from issue to answer of one command in sixteen: a sample,
  // because reading the clock for every command would cost more than the rest of its bookkeeping. One
  // observer. On the loop, or before the first command.
  void OnRoundTrip(absl::AnyInvocable<void(absl::Duration)> observer);

  // Any thread; the counters are read one by one.
  ClientStats stats() const;

  const Options& options() const;

 private:
  explicit Client(std::shared_ptr<Router> router);

  const std::shared_ptr<Router> router_;
};

// What a password file holds, without line ends at its end. Errors: NOT_FOUND (FILE_MISSING) where it cannot
// be read or holds nothing.
absl::StatusOr<std::string> ReadPasswordFile(const std::string& path);

// The text of the error reply behind a status of this client ("WRONGTYPE Operation against ..."); empty if
// none. For logs only.
std::string ErrorText(const absl::Status& status);

}  // namespace motcua::redis
