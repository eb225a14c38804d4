#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace motcua::test {

bool ScriptedServer::Conversation::Fill() {
  char bytes[4096];
  const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool ScriptedServer::Conversation::ReadLine(std::string* line) {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return false;
  }
  *line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

bool ScriptedServer::Conversation::ReadBytes(size_t count, std::string* bytes) {
  while (buffer_.size() < count + 2) {
    if (!Fill()) return false;
  }
  *bytes = buffer_.substr(0, count);
  buffer_.erase(0, count + 2);
  return true;
}

std::optional<std::vector<std::string>> ScriptedServer::Conversation::Next() {
  std::string line;
  if (!ReadLine(&line)) return std::nullopt;
  EXPECT_EQ(line.substr(0, 1), "*");
  std::vector<std::string> command(static_cast<size_t>(std::atoi(line.c_str() + 1)));
  for (std::string& argument : command) {
    if (!ReadLine(&line) || !ReadBytes(static_cast<size_t>(std::atoi(line.c_str() + 1)), &argument)) {
      return std::nullopt;
    }
  }
  return command;
}

bool ScriptedServer::Conversation::Expect(const std::vector<std::string>& command) {
  const std::optional<std::vector<std::string>> next = Next();
  if (!next.has_value()) return false;
  EXPECT_EQ(*next, command);
  return true;
}

bool ScriptedServer::Conversation::Greet() {
  if (!Expect({"PING"})) return false;
  Send("+PONG\r\n");
  return AnswerRole();
}

bool ScriptedServer::Conversation::AnswerRole() {
  if (!Expect({"ROLE"})) return false;
  Send("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  return true;
}

void ScriptedServer::Conversation::Send(std::string_view raw) {
  while (!raw.empty()) {
    const ssize_t count = send(fd_, raw.data(), raw.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    raw.remove_prefix(static_cast<size_t>(count));
  }
}

void ScriptedServer::Conversation::Close() { shutdown(fd_, SHUT_RDWR); }

void ScriptedServer::Conversation::AwaitClose() {
  while (Fill()) buffer_.clear();
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("the scripted server cannot listen");
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_, SHUT_RDWR);  // ends accept
  acceptor_.join();
  std::vector<std::thread> conversations;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    conversations.swap(conversations_);
  }
  for (std::thread& conversation : conversations) conversation.join();
  close(listener_);
}

void ScriptedServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const int number = ++connections_;
    std::lock_guard<std::mutex> lock(mutex_);
    open_.push_back(fd);
    conversations_.emplace_back([this, fd, number] {
      Conversation conversation(fd, number);
      script_(conversation);
      std::lock_guard<std::mutex> end_lock(mutex_);
      open_.erase(std::find(open_.begin(), open_.end(), fd));
      close(fd);
    });
  }
}

}  // namespace motcua::test
