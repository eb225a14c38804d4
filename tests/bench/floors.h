// What the machine can do at best, measured in the same run as what Motcua does.
#ifndef MOTCUA_TESTS_BENCH_FLOORS_H_
#define MOTCUA_TESTS_BENCH_FLOORS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/loop.h"
#include "common/rpc/completion_queue.h"
#include "common/redis/client.h"

namespace motcua::bench {

// Commits a second that one pipelined connection does through the commit script, `in_flight` at a time, each as large
// as a routing transition: version check, request check, record, counter, history line, event, stored reply.
absl::StatusOr<double> RedisCommits(async::Loop& loop, redis::Client& redis, int in_flight, absl::Duration time);

// Empty gRPC calls a second over the loopback, client and server in this process, `in_flight` at a time.
absl::StatusOr<double> EmptyCalls(rpc::Loop& loop, int in_flight, absl::Duration time);

}  // namespace motcua::bench

#endif  // MOTCUA_TESTS_BENCH_FLOORS_H_
