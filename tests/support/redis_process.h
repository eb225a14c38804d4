// RedisProcess: a redis-server of one test, durable as in production (appendonly, appendfsync always), in a
// directory of its own. It dies with the thread that started it, however that ends.
//
//   RedisProcess redis;
//   options.address = redis.address();
//   redis.Kill9();      // as a power cut
//   redis.Restart();    // same directory, same addresses; back when it answers PING
//
// A server that cannot be started or does not answer ends the test program with its log.
// Not thread-safe. Linux only.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace motcua::test {

class RedisProcess {
 public:
  // `extra_arguments`: more of redis-server's, e.g. {"--requirepass", "secret"}; they win over the defaults.
  explicit RedisProcess(std::vector<std::string> extra_arguments = {});
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  // `unix:/...` and `127.0.0.1:port`; the same server, unchanged by Restart.
  std::string address() const { return "unix:" + socket_; }
  std::string tcp_address() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  const std::string& dir() const { return dir_.path(); }

  // Starts a server that is not running.
  void Start();
  // SIGKILL, and waits for the end of the process.
  void Kill9();
  // Kill9 if it runs, then Start.
  void Restart();
  // Keeps a copy of its data as they are now; nothing may be written meanwhile.
  void KeepData();
  // Kill9 if it runs, then Start with the data that were kept: as a restored backup, or a tail that was
  // never synced.
  void RestartWithKeptData();
  // SIGSTOP: it keeps its connections and answers nothing.
  void Pause();
  // SIGCONT.
  void Resume();

  // One inline command on a fresh connection, its raw answer up to the first line's end; "" on failure.
  std::string Ask(const std::string& inline_command) const;

 private:
  void Spawn();
  void Reap();
  bool Answers() const;
  [[noreturn]] void Die(const std::string& what) const;

  const std::vector<std::string> extra_arguments_;
  TempDir dir_;
  const std::string socket_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// Starts a program that dies with the calling thread; its output goes nowhere. Aborts where that fails.
pid_t StartChild(std::vector<std::string> arguments);

// A TCP port of the loopback that was free a moment ago.
int FreePort();

}  // namespace motcua::test
