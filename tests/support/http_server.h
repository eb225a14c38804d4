// HttpServer: receives the POSTs of one test, and answers with the status it is told.
//
//   HttpServer http;
//   http.Answer(503);
//   ... + http.url("/hook")
//   http.requests()
//
// Thread-safe; runs a thread of its own, one request per connection, one connection at a time.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace motcua::test {

class HttpServer {
 public:
  struct Request {
    std::string method;
    std::string path;
    // Names in lower case.
    std::map<std::string, std::string> headers;
    std::string body;
    // What it was answered with.
    int status = 0;
  };

  // Listens on a free port of the loopback.
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(std::string_view path) const { return "http://127.0.0.1:" + std::to_string(port_) + std::string(path); }

  // Status of answers from now on; 3xx leads to `location`.
  void Answer(int status, std::string location = "");
  std::vector<Request> requests() const;

 private:
  void Run();
  void Serve(int connection);

  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  int status_ ABSL_GUARDED_BY(mutex_) = 200;
  std::string location_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  int connection_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace motcua::test
