#include "tests/support/redis_process.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include "tests/support/wait.h"

namespace motcua::test {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(20);
constexpr int kStartAttempts = 5;

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("no free port");
    std::abort();
  }
  close(fd);
  return ntohs(address.sin_port);
}

pid_t StartChild(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    std::perror("cannot fork");
    std::abort();
  }
  if (child > 0) return child;
  // Between fork and exec of a process with threads only async-signal-safe calls are allowed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
  }
  execvp(argv[0], argv.data());
  _exit(127);
}

RedisProcess::RedisProcess(std::vector<std::string> extra_arguments)
    : extra_arguments_(std::move(extra_arguments)), socket_(dir_.File("redis.sock")) {
  Start();
}

RedisProcess::~RedisProcess() { Kill9(); }

void RedisProcess::Start() {
  if (running()) return;
  const bool first = port_ == 0;
  // Another program may take the port between our look and the server's bind: then look again.
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    if (first) port_ = FreePort();
    Spawn();
    const bool up = WaitUntil(
        [this] {
          Reap();
          return !running() || Answers();
        },
        kStartTimeout);
    if (up && running()) return;
    if (running()) Die("redis-server does not answer");
    if (!first) absl::SleepFor(absl::Milliseconds(50));
  }
  Die("redis-server does not start");
}

void RedisProcess::Spawn() {
  std::vector<std::string> arguments = {"redis-server", "--port",        std::to_string(port_), "--bind",        "127.0.0.1",
                                        "--unixsocket", socket_,         "--dir",               dir_.path(),     "--save",
                                        "",             "--appendonly",  "yes",                 "--appendfsync", "always",
                                        "--logfile",    dir_.File("log"), "--daemonize",        "no"};
  arguments.insert(arguments.end(), extra_arguments_.begin(), extra_arguments_.end());
  pid_ = StartChild(std::move(arguments));
}

void RedisProcess::Reap() {
  if (running() && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
}

void RedisProcess::Kill9() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void RedisProcess::Restart() {
  Kill9();
  Start();
}

void RedisProcess::KeepData() {
  std::error_code error;
  std::filesystem::remove_all(dir_.File("kept"), error);
  std::filesystem::copy(dir_.File("appendonlydir"), dir_.File("kept"),
                        std::filesystem::copy_options::recursive, error);
  if (error) Die("its data cannot be copied");
}

void RedisProcess::RestartWithKeptData() {
  Kill9();
  std::error_code error;
  std::filesystem::remove_all(dir_.File("appendonlydir"), error);
  std::filesystem::copy(dir_.File("kept"), dir_.File("appendonlydir"),
                        std::filesystem::copy_options::recursive, error);
  if (error) Die("its data cannot be put back");
  Start();
}

void RedisProcess::Pause() {
  if (running()) kill(pid_, SIGSTOP);
}

void RedisProcess::Resume() {
  if (running()) kill(pid_, SIGCONT);
}

bool RedisProcess::Answers() const {
  const std::string answer = Ask("PING");
  // With a password set it says NOAUTH: it is up.
  return answer.rfind("+PONG", 0) == 0 || answer.rfind("-NOAUTH", 0) == 0;
}

std::string RedisProcess::Ask(const std::string& inline_command) const {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  const timeval limit{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  std::string answer;
  const std::string line = inline_command + "\r\n";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
    char byte;
    while (recv(fd, &byte, 1, 0) == 1 && byte != '\r') answer.push_back(byte);
  }
  close(fd);
  return answer;
}

void RedisProcess::Die(const std::string& what) const {
  std::cerr << what << "; its log:\n" << std::ifstream(dir_.File("log")).rdbuf() << std::endl;
  std::abort();
}

}  // namespace motcua::test
