// Brings a planned log to life: every action as a call of the officer who did it, at its own simulated time.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/motcua/replay_plan.h"
#include "clients/motcua/replay_reference.h"
#include "clients/motcua/session.h"
#include "clients/motcua/workers.h"
#include "motcua/common/v1/types.pb.h"

namespace motcua::client {

struct ReplayOptions {
  // How long a call is repeated while its service is away.
  absl::Duration patience = absl::Seconds(60);
  // Every acknowledged reply is appended to this file, a line of JSON each; empty = none. See verify.h.
  std::string acknowledged;
  // Actions in a second, at most; 0 = as fast as it goes.
  double rate = 0;
  // Dossiers that are acted on at the same time, at most.
  size_t in_flight = 16;
};

// Time: intake's, routing's and the monitor's simulated clocks stand at the action's time when its call is
// made, and never move while one is under way. What happens at one moment to different dossiers has no order,
// so that is done together; one dossier's actions are done one after another, and moments are. Only the
// services that are called are moved on (for a change of a due date those before the monitor, too): what the
// others derive waits for the slowest feed's watermark, so lag delays an alert and never invents one. A
// changed due date is committed before any clock passes the receipt, hence before the unchanged date can
// fire. Once a simulated day all clocks are set along, so that alerts and messages arise as time goes by.
//
// Every request id is made of the content of its row, and times never go back, so replaying the same log
// again changes nothing. After a lost connection the same call is repeated until it is answered.
//
// Not thread-safe.
class ReplayRunner {
 public:
  // All references outlive the runner.
  ReplayRunner(Session& session, const Plan& plan, const ReplayNames& names, ReplayOptions options);
  ~ReplayRunner();

  // Whether the system can live through the plan: it is on simulated time, and not past the log's beginning
  // before it has seen any of it. Sends nothing that changes anything.
  absl::Status Check();

  // Applies the jurisdiction's reference data, then acts out the plan. The first error that is not a passing
  // one ends it; it says which dossier and action it was.
  absl::Status Run();

  // Advances all services to the end of the log and waits until each has applied all that the others told,
  // what they told at that very moment included.
  absl::Status Settle();

 private:
  // Numbers of actions: [first, end).
  using Range = std::pair<size_t, size_t>;

  absl::Status ApplyReference();
  // All actions of one moment.
  absl::Status ActTogether(Range moment);
  // Those of one dossier among them, in their order.
  absl::Status ActInOrder(Range actions);
  absl::Status Act(const Action& action);
  absl::Status File(const Action& action);
  absl::Status ChangeDue(const Action& action);
  absl::Status HandOver(const Action& action);
  absl::Status Work(const Action& action);
  absl::Status WorkAfterEnd(const Action& action);
  absl::Status Finish(const Action& action);

  // Moves the service's clock; no call where it stands there already.
  absl::Status MoveClock(Service service, absl::Time to);
  // Where the clock stands then.
  absl::StatusOr<absl::Time> Advance(Service service, absl::Time to, bool wait);
  // Waits until the service has applied its sources' feeds as they are now.
  absl::Status CatchUp(Service service);
  absl::StatusOr<std::string> TokenOf(const std::string& as);
  // One call, repeated until it is answered, as `officer`.
  absl::Status Call(Service service, const google::protobuf::Message& request,
                    google::protobuf::Message& response, OfficerIndex officer, int dossier);
  // Notes what was acknowledged, and checks that it took effect at `at`.
  absl::Status Check(Service service, const std::string& request_id, const common::v1::Written& written,
                     absl::Time at);
  void KeepPace(size_t done);

  Session& session_;
  const Plan& plan_;
  const ReplayNames& names_;
  const ReplayOptions options_;
  const absl::Time begun_;
  // What the system told of each dossier: its code, and the position of its acceptance in intake's feed. Each
  // is used by one thread at a time.
  std::vector<std::string> codes_;
  std::vector<uint64_t> accepted_at_;
  // Moved between moments alone, and read while calls are under way.
  std::array<absl::Time, 4> clocks_;
  absl::Mutex mutex_;
  std::FILE* acknowledged_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Workers workers_;
};

}  // namespace motcua::client
