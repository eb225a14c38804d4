// By which channels a recipient wants messages, where the jurisdiction has several shards.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/reference/catalogue.h"
#include "common/store/session.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// Preferences are set for the whole jurisdiction and lie in its own shard. Those that lie with the messages
// of an inherited shard were set before it passed, and hold until others are set.
class Preferred {
 public:
  Preferred() {}

  // What the jurisdiction's own shard has of these recipients, for messages of the session's shard; nothing,
  // and no trip to Redis, where that is the same. `session` and `catalogue` outlive the task. Errors: the
  // store's.
  static async::Task<absl::StatusOr<Preferred>> Read(store::Session& session,
                                                     const reference::Catalogue& catalogue,
                                                     std::vector<std::string> recipients,
                                                     absl::Time deadline);

  // Those that hold for the recipient; nullptr = none were set. What the session has must have been fetched.
  const internal::notification::Preferences* Of(store::Session& session, const std::string& recipient) const;

 private:
  std::map<std::string, internal::notification::Preferences> own_;
};

}  // namespace motcua::notification
