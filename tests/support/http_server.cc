#include "tests/support/http_server.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace motcua::test {
namespace {

constexpr size_t kLargest = 16 << 20;

// Reads one request; false where the connection ends before it does.
bool ReadRequest(int connection, HttpServer::Request& request) {
  std::string bytes;
  size_t head_end = std::string::npos, length = 0;
  while (head_end == std::string::npos || bytes.size() < head_end + 4 + length) {
    char buffer[4096];
    const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0 || bytes.size() > kLargest) return false;
    bytes.append(buffer, static_cast<size_t>(got));
    if (head_end != std::string::npos || (head_end = bytes.find("\r\n\r\n")) == std::string::npos) continue;
    const std::vector<std::string> lines = absl::StrSplit(bytes.substr(0, head_end), "\r\n");
    const std::vector<std::string> first = absl::StrSplit(lines[0], ' ');
    if (first.size() != 3) return false;
    request.method = first[0];
    request.path = first[1];
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::pair<std::string, std::string> header = absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
      request.headers[absl::AsciiStrToLower(header.first)] = std::string(absl::StripAsciiWhitespace(header.second));
    }
    if (request.headers.count("content-length") > 0 && !absl::SimpleAtoi(request.headers["content-length"], &length)) {
      return false;
    }
  }
  request.body = bytes.substr(head_end + 4, length);
  return true;
}

}  // namespace

HttpServer::HttpServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    std::cerr << "HttpServer cannot listen\n";
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

HttpServer::~HttpServer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void HttpServer::Answer(int status, std::string location) {
  absl::MutexLock lock(&mutex_);
  status_ = status;
  location_ = std::move(location);
}

std::vector<HttpServer::Request> HttpServer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

void HttpServer::Run() {
  for (;;) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_ || connection < 0) {
        if (connection >= 0) close(connection);
        return;
      }
      connection_ = connection;
    }
    Serve(connection);
    absl::MutexLock lock(&mutex_);
    connection_ = -1;
    close(connection);
  }
}

void HttpServer::Serve(int connection) {
  Request request;
  if (!ReadRequest(connection, request)) return;
  std::string answer;
  {
    absl::MutexLock lock(&mutex_);
    request.status = status_;
    answer = absl::StrCat("HTTP/1.1 ", status_, " told so\r\nContent-Length: 0\r\nConnection: close\r\n");
    if (!location_.empty()) absl::StrAppend(&answer, "Location: ", location_, "\r\n");
    requests_.push_back(std::move(request));
  }
  answer += "\r\n";
  (void)!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

}  // namespace motcua::test
