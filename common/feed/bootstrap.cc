#include "common/feed/bootstrap.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/store/registry.h"

namespace motcua::feed {

namespace {

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

}  // namespace

void Bootstrap::Follow(const v1::SnapshotProgress& progress) {
  step = Step::kReading;
  epoch = progress.epoch();
  position = progress.position();
  as_of = progress.as_of();
  through = progress.through();
}

v1::SnapshotProgress Bootstrap::Progress() const {
  v1::SnapshotProgress progress;
  progress.set_epoch(epoch);
  progress.set_position(position);
  progress.set_as_of(as_of);
  progress.set_through(through);
  return progress;
}

std::string Bootstrap::Text() const {
  if (step == Step::kNone) return std::string();
  return absl::StrCat(std::string(1, static_cast<char>(step)), " ", epoch, " ", position, " ", as_of, " ",
                      records, " ", absl::ToUnixMicros(since), " ", through);
}

std::optional<Bootstrap> Bootstrap::Parse(std::string_view text) {
  Bootstrap bootstrap;
  if (text.empty()) return bootstrap;
  const std::vector<absl::string_view> parts = absl::StrSplit(View(text), absl::MaxSplits(' ', 6));
  int64_t since = 0;
  if (parts.size() != 7 || parts[0].size() != 1 || !absl::SimpleAtoi(parts[1], &bootstrap.epoch) ||
      !absl::SimpleAtoi(parts[2], &bootstrap.position) || !absl::SimpleAtoi(parts[3], &bootstrap.as_of) ||
      !absl::SimpleAtoi(parts[4], &bootstrap.records) || !absl::SimpleAtoi(parts[5], &since)) {
    return std::nullopt;
  }
  bootstrap.step = static_cast<Step>(parts[0][0]);
  if (bootstrap.step != Step::kReading && bootstrap.step != Step::kKnown) return std::nullopt;
  bootstrap.since = absl::FromUnixMicros(since);
  bootstrap.through = std::string(parts[6]);
  return bootstrap;
}

std::string KnownPages::Page::Text() const { return absl::StrCat(as_of, " ", from, " ", through); }

std::optional<KnownPages::Page> KnownPages::Page::Parse(std::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(View(text), ' ');
  uint64_t as_of = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &as_of)) return std::nullopt;
  return Page(std::string(parts[1]), std::string(parts[2]), as_of);
}

// Neighbours as of the same position are one.
void KnownPages::Add(Page page) {
  if (!pages_.empty() && pages_.back().as_of == page.as_of && pages_.back().through == page.from) {
    pages_.back().through = std::move(page.through);
    return;
  }
  pages_.push_back(std::move(page));
}

uint64_t KnownPages::last() const {
  uint64_t last = 0;
  for (const Page& page : pages_) last = std::max(last, page.as_of);
  return last;
}

void KnownPages::CutAt(uint64_t kept) {
  for (Page& page : pages_) page.as_of = std::min(page.as_of, kept);
}

bool KnownPages::Had(std::string_view subject, uint64_t position) const {
  if (pages_.empty()) return false;
  std::string group;
  store::Registry::AppendGroup(group, subject);
  const auto page =
      std::lower_bound(pages_.begin(), pages_.end(), group,
                       [](const Page& one, const std::string& name) { return one.through < name; });
  return page != pages_.end() && page->from < group && position <= page->as_of;
}

}  // namespace motcua::feed
