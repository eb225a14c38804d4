// MonitorProcess: the real motcua-deadline-monitor, started by a test and gone with it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace motcua::deadline {

// Not thread-safe. Linux only: the program dies with the thread that started it.
class MonitorProcess {
 public:
  explicit MonitorProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  ~MonitorProcess() { End(SIGKILL); }
  MonitorProcess(const MonitorProcess&) = delete;

  // Returns when it listens, on a new port after every start.
  void Start() {
    const std::string port_file = dir_.File("port");
    unlink(port_file.c_str());
    std::vector<std::string> words = {MOTCUA_BIN_DIR "/motcua-deadline-monitor", "--port_file", port_file};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    const std::string log_file = dir_.File("log");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    setenv("MOTCUA_STRICT_CONTRACT", "1", 1);  // a reason that the contract does not name ends it
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    ASSERT_TRUE(test::WaitUntil([&] { return static_cast<bool>(std::ifstream(port_file) >> port_); }, absl::Seconds(20)))
        << Log();
  }
  // As a power cut. Nothing where it does not run.
  void Kill9() { End(SIGKILL); }
  // Its exit code, or -1 where a signal ended it.
  int Stop() { return End(SIGTERM); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Log() const {
    std::ifstream file(dir_.File("log"));
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

 private:
  int End(int signal) {
    if (pid_ <= 0) return -1;
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const std::vector<std::string> arguments_;
  test::TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace motcua::deadline
