// RoutingProcess: the real motcua-routing, started by a test and gone with it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace motcua::routing {

// Not thread-safe. Linux only: the program dies with the thread that started it.
class RoutingProcess {
 public:
  // `arguments`: beside --port_file.
  explicit RoutingProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  ~RoutingProcess() { Kill9(); }
  RoutingProcess(const RoutingProcess&) = delete;

  // Returns when it listens, on a new port after every start; fails the test where it does not.
  void Start();
  // As a power cut. Nothing where it does not run.
  void Kill9();
  // SIGTERM; its exit code, or -1 where it was ended by a signal.
  int Stop();

  std::string address() const { return "127.0.0.1:" + port_; }
  // What it wrote.
  std::string log() const;

 private:
  const std::vector<std::string> arguments_;
  test::TempDir dir_;
  std::string port_;
  pid_t pid_ = -1;
};

}  // namespace motcua::routing
