#include "tests/support/smtp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>

namespace motcua::test {
namespace {

// A line-oriented connection.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}

  // Without its CRLF; nullopt at the end.
  std::optional<std::string> Next() {
    size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      char bytes[4096];
      const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<size_t>(got));
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }
  void Say(const std::string& line) const {
    const std::string bytes = line + "\r\n";
    (void)!send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  const int fd_;
  std::string buffer_;
};

bool Begins(const std::string& line, const char* verb) { return strncasecmp(line.c_str(), verb, std::char_traits<char>::length(verb)) == 0; }

// The address between angle brackets.
std::string Path(const std::string& line) {
  const size_t begin = line.find('<'), end = line.find('>');
  return begin == std::string::npos || end == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

}  // namespace

SmtpServer::SmtpServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    std::cerr << "SmtpServer cannot listen\n";
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

SmtpServer::~SmtpServer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void SmtpServer::Answer(int code) {
  absl::MutexLock lock(&mutex_);
  code_ = code;
}

size_t SmtpServer::attempts() const {
  absl::MutexLock lock(&mutex_);
  return attempts_;
}

std::vector<SmtpServer::Mail> SmtpServer::mails() const {
  absl::MutexLock lock(&mutex_);
  return mails_;
}

void SmtpServer::Run() {
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

void SmtpServer::Serve(int connection) {
  Lines lines(connection);
  lines.Say("220 test ESMTP");
  Mail mail;
  while (std::optional<std::string> line = lines.Next()) {
    if (Begins(*line, "EHLO") || Begins(*line, "HELO") || Begins(*line, "RSET")) {
      lines.Say("250 test");
    } else if (Begins(*line, "MAIL FROM:")) {
      mail = Mail();
      mail.from = Path(*line);
      lines.Say("250 ok");
    } else if (Begins(*line, "RCPT TO:")) {
      int code;
      {
        absl::MutexLock lock(&mutex_);
        ++attempts_;
        code = code_;
      }
      if (code == 250) mail.to.push_back(Path(*line));
      lines.Say(std::to_string(code) + " told so");
    } else if (Begins(*line, "DATA")) {
      if (mail.to.empty()) {
        lines.Say("503 no recipients");
        continue;
      }
      lines.Say("354 go on");
      while ((line = lines.Next()) && *line != ".") mail.text += (line->rfind("..", 0) == 0 ? line->substr(1) : *line) + "\r\n";
      if (!line) return;
      {
        absl::MutexLock lock(&mutex_);
        mails_.push_back(mail);
      }
      lines.Say("250 taken");
    } else if (Begins(*line, "QUIT")) {
      lines.Say("221 bye");
      return;
    } else {
      lines.Say("500 what?");
    }
  }
}

}  // namespace motcua::test
