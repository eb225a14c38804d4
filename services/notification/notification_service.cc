#include "services/notification/notification_service.h"

#include <memory>
#include <utility>

#include "common/rpc/server_stream.h"
#include "common/service/serve.h"

namespace motcua::notification {

void AddNotificationService(rpc::Host& host, Notifications& notifications) {
  service::Serve(host, notifications, &Notifications::ListMessages);
  service::Serve(host, notifications, &Notifications::ListDossierMessages);
  service::Serve(host, notifications, &Notifications::MarkRead);
  service::Serve(host, notifications, &Notifications::SetPreferences);
  service::Serve(host, notifications, &Notifications::GetStatistics);
  host.Stream<v1::SubscribeRequest, v1::SubscribeResponse>(
      [&notifications](std::shared_ptr<rpc::Call> call, const v1::SubscribeRequest& request,
                       rpc::StreamWriter<v1::SubscribeResponse> writer) {
        Notifications::Sink sink = [writer](const v1::SubscribeResponse& step) mutable {
          return writer.Write(step);
        };
        return notifications.Subscribe(std::move(call), request, std::move(sink));
      });
}

}  // namespace motcua::notification
