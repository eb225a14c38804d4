// SmtpServer: a mail server of one test. It takes mails into memory, or answers as it is told.
//
//   SmtpServer smtp;
//   flags = {"--smtp_url=" + smtp.url()};
//   smtp.Answer(451);             // refuse every recipient, for now (5xx: for good)
//   smtp.Answer(250);             // accept again
//   smtp.mails()                  // what was accepted, in order
//
// Thread-safe; runs a thread of its own, one connection at a time.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace motcua::test {

class SmtpServer {
 public:
  struct Mail {
    std::string from;
    std::vector<std::string> to;
    // Headers and body as sent, without the closing dot.
    std::string text;
  };

  // Listens on a free port of the loopback.
  SmtpServer();
  ~SmtpServer();
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }

  // Code of the answer to RCPT TO from now on.
  void Answer(int code);
  // RCPT TO commands so far, accepted or not.
  size_t attempts() const;
  std::vector<Mail> mails() const;

 private:
  void Run();
  void Serve(int connection);

  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  int code_ ABSL_GUARDED_BY(mutex_) = 250;
  size_t attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Mail> mails_ ABSL_GUARDED_BY(mutex_);
  int connection_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace motcua::test
