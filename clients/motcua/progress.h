// Progress of long work on standard error: a bar on a terminal, else a line now and then.
#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace motcua::client {

// `3905 of 39051 (10 %), 410/s, 1m26s left, 2022-03-01`: what is known after `elapsed`. Words in Vietnamese
// or English.
std::string ProgressLine(size_t done, size_t total, absl::Duration elapsed, const std::string& note,
                         bool english);

// Not thread-safe.
class Progress {
 public:
  // Without a terminal a line comes about every ten seconds, and when all is done.
  Progress(std::string what, size_t total, bool english);
  // Ends the line of the bar.
  ~Progress();

  // `done` of the total; `note` follows, e.g. the simulated day.
  void Show(size_t done, const std::string& note = "");

 private:
  const std::string what_;
  const size_t total_;
  const bool english_;
  const bool terminal_;
  const absl::Time begun_;
  absl::Time shown_;
  bool ended_ = false;
  bool open_ = false;
};

}  // namespace motcua::client
