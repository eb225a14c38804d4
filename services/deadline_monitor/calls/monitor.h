// Deadline-monitor's calls, without gRPC: each loads what it needs, lets the domain decide, commits, answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/reference/catalogue.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "motcua/deadline/v1/deadline.pb.h"

namespace motcua::deadline {

// The errors of each call are those of the contract (deadline.proto). Requests have passed the field rules,
// callers the policy table; `who` and `caller` name the same one.
//
// Confined to the loop of its store. All references outlive it and its tasks.
class Monitor {
 public:
  template <class Response>
  using Answered = async::Task<absl::StatusOr<Response>>;

  Monitor(store::Store& store, service::Catalogues& catalogues, feed::Subscriptions& subscriptions,
          const feed::Publisher& publisher);

  Answered<v1::GetClockResponse> GetClock(const auth::Principal& who, store::Caller caller,
                                          const v1::GetClockRequest& request);
  Answered<v1::ListClocksResponse> ListClocks(const auth::Principal& who, store::Caller caller,
                                              const v1::ListClocksRequest& request);
  Answered<v1::GetHistoryResponse> GetHistory(const auth::Principal& who, store::Caller caller,
                                              const v1::GetHistoryRequest& request);
  Answered<v1::GetStatisticsResponse> GetStatistics(const auth::Principal& who, store::Caller caller,
                                                    const v1::GetStatisticsRequest& request);

  // Waits, at most kSettle, until the feeds have been read up to now: a date must not be judged anew before
  // it is known whether the dossier ended under the old one. Errors besides the contract's: UNAVAILABLE
  // (NOT_CAUGHT_UP).
  Answered<v1::ChangeDueResponse> ChangeDue(const auth::Principal& who, store::Caller caller,
                                            const v1::ChangeDueRequest& request);

  static constexpr absl::Duration kSettle = absl::Seconds(2);

 private:
  // One page, without the time that it is of.
  Answered<v1::ListClocksResponse> ClocksOf(std::vector<store::ListName> lists, v1::ListClocksRequest request,
                                            absl::Time deadline, size_t* bytes);
  // Agencies that any counter is of.
  async::Task<absl::StatusOr<std::vector<std::string>>> CountedAgencies(std::string shard,
                                                                        absl::Time deadline) const;
  // As of when the clocks of a shard are true: now or, where the feeds have not been read so far, up to where
  // they have. Asks the sources where that would be long ago.
  async::Task<absl::Time> AsOf(std::string shard, absl::Time deadline);
  absl::Time ReadUntil(const std::string& shard) const;

  store::Store& store_;
  service::Catalogues& catalogues_;
  feed::Subscriptions& subscriptions_;
  const feed::Publisher& publisher_;
};

}  // namespace motcua::deadline
