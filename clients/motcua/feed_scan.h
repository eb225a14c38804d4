// Reads a feed from its beginning (or the oldest event still kept) to where it ends now.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "clients/motcua/session.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::client {

// How many events at the feed's beginning are no longer kept. At most ten minutes. `subjects`: only of these
// dossiers; empty = all.
absl::StatusOr<uint64_t> ScanFeed(Session& session, Service service, const std::string& shard,
                                  absl::FunctionRef<void(const feed::v1::Event&)> on_event,
                                  const std::vector<std::string>& subjects = {});

// Position at which the feed of a shard ends now; 0 where there is none.
absl::StatusOr<uint64_t> EndOfFeed(Session& session, Service service, const std::string& shard);

}  // namespace motcua::client
