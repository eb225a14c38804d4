#include "routing_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/support/wait.h"

namespace motcua::routing {

namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

}  // namespace

std::string RoutingProcess::log() const { return ReadAll(dir_.File("log")); }

void RoutingProcess::Start() {
  const std::string port_file = dir_.File("port");
  const std::string log_file = dir_.File("log");
  unlink(port_file.c_str());
  std::vector<std::string> words = {MOTCUA_BIN_DIR "/motcua-routing", "--port_file", port_file};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
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
  ASSERT_TRUE(test::WaitUntil([&] { return access(port_file.c_str(), R_OK) == 0; }, absl::Seconds(20))) << log();
  port_ = ReadAll(port_file);
  while (!port_.empty() && port_.back() == '\n') port_.pop_back();
}

void RoutingProcess::Kill9() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int RoutingProcess::Stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace motcua::routing
