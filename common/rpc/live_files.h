// Files that a process reads again when they have changed: keys, tokens and certificates are renewed without
// a restart. What is new and no good is not taken over: what was read before stays in force, and a line of
// log and a metric say so.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace motcua::rpc {

// Not thread-safe.
class LiveFiles {
 public:
  // Between two looks at the files.
  static constexpr absl::Duration kLook = absl::Seconds(2);

  // `paths`: files, or directories, of which the files that are in them count. Empty ones are left out. What
  // is there now counts as read. `what` they are, for the log and RefusedFiles: `tls`, `jwt_keys`, `peer`.
  LiveFiles(std::string what, std::vector<std::string> paths);

  // True where one of them has been written, replaced, added or removed since the last time that it was.
  // Looks at most every kLook.
  bool Changed(absl::Time now);

  // What came of reading them then. Logged, where it differs from the time before.
  void Tell(const absl::Status& read);

 private:
  std::string Signature() const;

  const std::string what_;
  const std::vector<std::string> paths_;
  std::string signature_;
  absl::Time looked_at_ = absl::InfinitePast();
};

// By what they are: whether the files that are there now have been refused. Of the process; thread-safe.
std::map<std::string, bool> RefusedFiles();

}  // namespace motcua::rpc
