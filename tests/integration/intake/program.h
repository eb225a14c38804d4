// motcua-intake as a program of its own, started and killed by a test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace motcua::intake::test {

class Program {
 public:
  // `arguments` beside --listen and --port_file.
  explicit Program(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  ~Program() { Kill9(); }

  // Starts it and waits until it takes calls; false where it does not.
  bool Start() {
    std::remove(port_file().c_str());
    std::vector<std::string> words = {MOTCUA_BIN_DIR "/motcua-intake", "--listen", "127.0.0.1:" + std::to_string(port_),
                                      "--port_file", port_file()};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string log = dir_.File("log");
    setenv("MOTCUA_STRICT_CONTRACT", "1", 1);  // a reason that the contract does not name ends it
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(out, STDOUT_FILENO);
      dup2(out, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    const bool written = motcua::test::WaitUntil([&] {
      std::ifstream file(port_file());
      return static_cast<bool>(file >> port_);
    });
    return written;
  }

  void Kill9() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // SIGTERM, and its exit code; -1 where a signal ended it.
  int Stop() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // Unchanged by a restart.
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Log() const {
    std::ifstream file(dir_.File("log"));
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

 private:
  std::string port_file() const { return dir_.File("port"); }

  const std::vector<std::string> arguments_;
  motcua::test::TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace motcua::intake::test
