#include "clients/motcua/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace motcua::client {
namespace {

constexpr absl::Duration kBarPace = absl::Milliseconds(100);
constexpr absl::Duration kLinePace = absl::Seconds(10);

std::string Rounded(absl::Duration duration) {
  const bool little = duration < absl::Seconds(10);
  return absl::FormatDuration(absl::Ceil(duration, little ? absl::Milliseconds(100) : absl::Seconds(1)));
}

}  // namespace

std::string ProgressLine(size_t done, size_t total, absl::Duration elapsed, const std::string& note,
                         bool english) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  std::string line = absl::StrFormat(english ? "%d of %d (%d %%)" : "%d trên %d (%d %%)", done, total,
                                     total == 0 ? 100 : done * 100 / total);
  if (done > 0 && seconds > 0) {
    const double rate = static_cast<double>(done) / seconds;
    absl::StrAppend(&line, ", ", absl::StrFormat(rate < 10 ? "%.1f/s" : "%.0f/s", rate));
    if (done < total) {
      const absl::Duration left = absl::Seconds(static_cast<double>(total - done) / rate);
      absl::StrAppend(&line, english ? ", " : ", còn ", Rounded(left), english ? " left" : "");
    } else {
      absl::StrAppend(&line, english ? ", in " : ", trong ", Rounded(elapsed));
    }
  }
  if (!note.empty()) absl::StrAppend(&line, ", ", note);
  return line;
}

Progress::Progress(std::string what, size_t total, bool english)
    : what_(std::move(what)),
      total_(total),
      english_(english),
      terminal_(isatty(STDERR_FILENO) == 1),
      begun_(absl::Now()),
      shown_(begun_) {}

Progress::~Progress() {
  if (open_) std::fputc('\n', stderr);
}

void Progress::Show(size_t done, const std::string& note) {
  const absl::Time now = absl::Now();
  const bool last = done >= total_ && !ended_;
  if (!last && now - shown_ < (terminal_ ? kBarPace : kLinePace)) return;
  ended_ |= last;
  shown_ = now;
  const std::string line = ProgressLine(done, total_, now - begun_, note, english_);
  if (!terminal_) {
    std::fprintf(stderr, "%s: %s\n", what_.c_str(), line.c_str());
    return;
  }
  constexpr size_t kWidth = 30;
  const size_t filled = total_ == 0 ? kWidth : done * kWidth / total_;
  std::fprintf(stderr, "\r%s [%s%s] %s \033[K", what_.c_str(), std::string(filled, '#').c_str(),
               std::string(kWidth - filled, '.').c_str(), line.c_str());
  open_ = true;
}

}  // namespace motcua::client
