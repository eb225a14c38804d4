// What notification answers, apart from the wire.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/async/task.h"
#include "common/rpc/call.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "motcua/notification/v1/notification.pb.h"
#include "services/notification/calls/inbox_reader.h"
#include "services/notification/calls/inbox_watch.h"

namespace motcua::notification {

// One handler for each rpc; errors and callers as the contract says. Requests have passed the contract's
// rules.
//
// Confined to the loop.
class Notifications {
 public:
  // Takes one step of a stream; completes when there is room for the next.
  using Sink = absl::AnyInvocable<async::Task<absl::Status>(v1::SubscribeResponse step)>;

  // References outlive the handlers.
  Notifications(store::Store& store, service::Catalogues& catalogues, InboxWatch& watch)
      : store_(store), catalogues_(catalogues), watch_(watch), reader_(store, catalogues) {}

  async::Task<absl::StatusOr<v1::ListMessagesResponse>> ListMessages(std::shared_ptr<rpc::Call> call,
                                                                     const v1::ListMessagesRequest& request);
  async::Task<absl::StatusOr<v1::ListDossierMessagesResponse>> ListDossierMessages(
      std::shared_ptr<rpc::Call> call, const v1::ListDossierMessagesRequest& request);
  async::Task<absl::StatusOr<v1::MarkReadResponse>> MarkRead(std::shared_ptr<rpc::Call> call,
                                                             const v1::MarkReadRequest& request);
  async::Task<absl::StatusOr<v1::SetPreferencesResponse>> SetPreferences(
      std::shared_ptr<rpc::Call> call, const v1::SetPreferencesRequest& request);
  async::Task<absl::StatusOr<v1::GetStatisticsResponse>> GetStatistics(
      std::shared_ptr<rpc::Call> call, const v1::GetStatisticsRequest& request);
  // Ends when the caller does, or the sink fails. A slow reader is waited for; what comes meanwhile stays in
  // its inbox.
  async::Task<absl::Status> Subscribe(std::shared_ptr<rpc::Call> call, v1::SubscribeRequest request,
                                      Sink sink);

  // How often an inbox is looked at that another replica may have written to.
  static constexpr absl::Duration kPollInterval = absl::Seconds(1);

 private:
  // The caller's jurisdiction has the shard: PERMISSION_DENIED (NOT_YOUR_JURISDICTION).
  async::Task<absl::Status> AllowIn(std::shared_ptr<rpc::Call> call, std::string shard);
  // Services, administrators, the recipient and who acts for it: besides, PERMISSION_DENIED
  // (NOT_YOUR_AGENCY).
  async::Task<absl::Status> AllowReader(std::shared_ptr<rpc::Call> call, std::string shard,
                                        std::string recipient);

  store::Store& store_;
  service::Catalogues& catalogues_;
  InboxWatch& watch_;
  InboxReader reader_;
};

}  // namespace motcua::notification
