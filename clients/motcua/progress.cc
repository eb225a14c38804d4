#include "clients/motcua/progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/time/clock.h"

namespace motcua::client {

Progress::Progress(std::string what, size_t total)
    : what_(std::move(what)),
      total_(total == 0 ? 1 : total),
      terminal_(isatty(STDERR_FILENO) == 1),
      begun_(absl::Now()) {}

Progress::~Progress() {
  if (open_) std::fputc('\n', stderr);
}

void Progress::Show(size_t done, const std::string& note) {
  const absl::Time now = absl::Now();
  const int seconds = static_cast<int>(absl::ToInt64Seconds(now - begun_));
  if (!terminal_) {
    const size_t tenths = done * 10 / total_;
    if (tenths == tenths_) return;
    tenths_ = tenths;
    std::fprintf(stderr, "%s: %zu %% (%zu of %zu, %d s) %s\n", what_.c_str(), tenths * 10, done, total_,
                 seconds, note.c_str());
    return;
  }
  if (now - shown_ < absl::Milliseconds(100) && done < total_) return;
  shown_ = now;
  constexpr size_t kWidth = 30;
  const size_t filled = done * kWidth / total_;
  std::fprintf(stderr, "\r%s [%s%s] %3zu %% %d s %s \033[K", what_.c_str(), std::string(filled, '#').c_str(),
               std::string(kWidth - filled, '.').c_str(), done * 100 / total_, seconds, note.c_str());
  open_ = true;
}

}  // namespace motcua::client
