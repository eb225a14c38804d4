// ScriptedServer: a Redis server that says exactly what a test tells it to, for faults a real one cannot be
// made to commit. Each connection runs the script anew in a thread of its own.
//
//   ScriptedServer server([](ScriptedServer::Conversation& peer) {
//     peer.Greet();                       // the PING and ROLE a client begins with
//     peer.Expect({"GET", "k"});
//     peer.Send("$5\r\nhel");             // half an answer
//     peer.Close();
//   });
//   options.address = server.address();
//
// A script ends early (its connection with it) when the peer goes away or the server is destroyed; what does
// not match is a test failure.
#pragma once

#include <absl/base/thread_annotations.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace motcua::test {

class ScriptedServer {
 public:
  class Conversation {
   public:
    // The next command; nothing when the peer has closed.
    std::optional<std::vector<std::string>> Next();
    // Takes the next command and compares it; false when the peer has closed.
    bool Expect(const std::vector<std::string>& command);
    // Answers the greeting of a client without password.
    bool Greet();
    // Answers a heartbeat: it takes writes.
    bool AnswerRole();
    void Send(std::string_view raw);
    void Close();
    // Waits until the peer closes.
    void AwaitClose();
    // Which connection of the server this is, from 1.
    int number() const { return number_; }

   private:
    friend class ScriptedServer;
    Conversation(int fd, int number) : fd_(fd), number_(number) {}
    bool ReadLine(std::string* line);
    bool ReadBytes(size_t count, std::string* bytes);
    bool Fill();

    const int fd_;
    const int number_;
    std::string buffer_;
  };
  using Script = std::function<void(Conversation&)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_.load(); }

 private:
  void Accept();

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> conversations_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace motcua::test
