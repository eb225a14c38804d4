// ServiceProcess: the real motcua-notification, started and killed by a test.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
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

namespace motcua::notification {

// Not thread-safe. Ends with the thread that started it.
class ServiceProcess {
 public:
  ServiceProcess(std::string program, std::vector<std::string> flags) : program_(std::move(program)), flags_(std::move(flags)) {}
  ~ServiceProcess() { Kill9(); }

  // Returns when it listens; its port is another one each time. False where it does not come up.
  bool Start() {
    std::remove(PortFile().c_str());
    std::vector<std::string> words = flags_;
    words.insert(words.begin(), program_);
    words.push_back("--listen=127.0.0.1:0");
    words.push_back("--port_file=" + PortFile());
    setenv("MOTCUA_STRICT_CONTRACT", "1", 1);  // a reason that the contract does not name ends it
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int log = open(LogFile().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      dup2(log, 1);
      dup2(log, 2);
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      execv(program_.c_str(), argv.data());
      _exit(127);
    }
    return test::WaitUntil([this] {
      std::ifstream file(PortFile());
      return static_cast<bool>(file >> port_);
    }, absl::Seconds(20));
  }
  void Kill9() { End(SIGKILL); }
  // Its exit code, or -1.
  int Terminate() { return End(SIGTERM); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Log() const {
    std::ifstream file(LogFile());
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
  std::string PortFile() const { return dir_.File("port"); }
  std::string LogFile() const { return dir_.File("log"); }

  const std::string program_;
  const std::vector<std::string> flags_;
  test::TempDir dir_;
  pid_t pid_ = -1;
  int port_ = 0;
};

}  // namespace motcua::notification
