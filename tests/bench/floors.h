// What the machine can do at best, measured in the same run as what Motcua does.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/redis/client.h"

namespace motcua::bench {

// Commits a second that one pipelined connection does, `in_flight` at a time, each of 841 bytes: version
// check, request check, record, counter, history line, event, stored reply. Script and parts are frozen here
// (floor_commit.lua) and sent by no product code: the measure may be beaten, but not bent. What was written
// is taken away again.
absl::StatusOr<double> RedisCommits(const redis::Options& options, int in_flight, absl::Duration time);

// Empty gRPC calls a second over the loopback, client and server in this process, each on a loop of its own,
// `in_flight` at a time.
absl::StatusOr<double> EmptyCalls(int in_flight, absl::Duration time);

}  // namespace motcua::bench
