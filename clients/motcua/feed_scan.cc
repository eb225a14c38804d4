#include "clients/motcua/feed_scan.h"

#include "absl/strings/numbers.h"
#include "common/status/errors.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::client {

absl::StatusOr<uint64_t> EndOfFeed(Session& session, Service service, const std::string& shard) {
  admin::v1::GetStatusResponse status;
  if (absl::Status asked = session.Ask(service, admin::v1::GetStatusRequest(), status); !asked.ok())
    return asked;
  for (const admin::v1::FeedStatus& feed : status.feeds()) {
    if (feed.shard() == shard) return feed.position();
  }
  return 0;
}

absl::StatusOr<uint64_t> ScanFeed(Session& session, Service service, const std::string& shard,
                                  absl::FunctionRef<void(const feed::v1::Event&)> on_event,
                                  const std::vector<std::string>& subjects) {
  const absl::StatusOr<uint64_t> end = EndOfFeed(session, service, shard);
  if (!end.ok()) return end.status();
  uint64_t trimmed = 0;
  feed::v1::ReadRequest request;
  request.set_shard(shard);
  request.set_max_batch(1000);
  for (const std::string& subject : subjects) request.add_subjects(subject);
  while (request.after() < *end) {
    feed::v1::ReadResponse step;
    const absl::Status read = session.Stream(service, request, step, absl::Minutes(10), [&] {
      for (const feed::v1::Event& event : step.events()) on_event(event);
      request.set_after(step.position());
      return step.position() < *end;
    });
    uint64_t first = 0;
    if (absl::IsOutOfRange(read) && absl::SimpleAtoi(errors::MetadataValue(read, "first"), &first) &&
        first > request.after() + 1) {
      trimmed += first - 1 - request.after();
      request.set_after(first - 1);
    } else if (!read.ok()) {
      return read;
    }
  }
  return trimmed;
}

}  // namespace motcua::client
