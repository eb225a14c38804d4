#include "tests/integration/intake/office.h"

#include <vector>

#include "services/intake/projections/progress_projection.h"

namespace motcua::intake::test {

namespace {

using async::Task;

Task<absl::Status> Apply(store::Store& store, std::vector<feed::v1::Event> events) {
  ProgressProjection projection;
  store::Session session(store, "H30");
  std::vector<const feed::v1::Event*> all;
  for (const feed::v1::Event& event : events) all.push_back(&event);
  absl::Status applied = co_await projection.Apply(session, all, absl::InfinitePast());
  if (!applied.ok()) co_return applied;
  if (session.clean()) co_return absl::OkStatus();
  absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + absl::Seconds(10));
  co_return outcome.status();
}

}  // namespace

void Office::Project(std::vector<feed::v1::Event> events) {
  absl::Status status = Wait(Apply(store_, std::move(events)));
  ASSERT_TRUE(status.ok()) << status;
}

}  // namespace motcua::intake::test
