// What is wrong with a log, by its lines: all of it is found before anything is sent, and told at once.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace motcua::client {

class LogFaults {
 public:
  // So many are listed; who reads a log on for more may stop.
  static constexpr size_t kMost = 20;

  explicit LogFaults(bool english) : english_(english) {}

  const char* Say(const char* vi, const char* en) const { return english_ ? en : vi; }

  // `line` 0: of the file as a whole.
  void Add(int64_t line, std::string what);
  bool empty() const { return faults_.empty(); }
  size_t size() const { return faults_.size(); }
  bool full() const { return faults_.size() >= kMost; }

  // OK, or INVALID_ARGUMENT with a text line for each, in the order of the log; says so where there may be
  // more.
  absl::Status ToStatus() const;

 private:
  const bool english_;
  bool more_ = false;
  std::vector<std::pair<int64_t, std::string>> faults_;
};

}  // namespace motcua::client
