// Progress of long work on standard error: a bar on a terminal, else a line every tenth part.
#ifndef MOTCUA_CLIENTS_MOTCUA_PROGRESS_H_
#define MOTCUA_CLIENTS_MOTCUA_PROGRESS_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace motcua::client {

// Not thread-safe.
class Progress {
 public:
  Progress(std::string what, size_t total);
  // Ends the line of the bar.
  ~Progress();

  // `done` of the total; `note` follows the bar, e.g. the simulated day.
  void Show(size_t done, const std::string& note = "");

 private:
  const std::string what_;
  const size_t total_;
  const bool terminal_;
  const absl::Time begun_;
  absl::Time shown_ = absl::InfinitePast();
  size_t tenths_ = 0;
  bool open_ = false;
};

}  // namespace motcua::client

#endif  // MOTCUA_CLIENTS_MOTCUA_PROGRESS_H_
