#include "common/feed/projection.h"

namespace motcua::feed {

async::Task<absl::Status> Projection::ApplySnapshot(store::Session& session, Records records,
                                                    absl::Time not_before) {
  std::vector<const v1::Event*> events;
  for (const v1::SnapshotRecord* const record : records) {
    for (const v1::Event& event : record->events()) events.push_back(&event);
  }
  const Events all(events);
  co_return co_await Apply(session, all, not_before);
}

}  // namespace motcua::feed
