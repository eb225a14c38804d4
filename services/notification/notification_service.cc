#include "services/notification/notification_service.h"

#include <utility>

#include "common/rpc/server_stream.h"
#include "common/rpc/unary.h"
#include "motcua/notification/v1/notification.grpc.pb.h"

namespace motcua::notification {
namespace {

using Context = grpc::CallbackServerContext;
using CallPtr = std::shared_ptr<rpc::Call>;

class NotificationService final : public v1::NotificationService::CallbackService {
 public:
  NotificationService(rpc::Host& host, Notifications& notifications) : host_(host), notifications_(notifications) {}

  grpc::ServerUnaryReactor* ListMessages(Context* context, const v1::ListMessagesRequest* request,
                                         v1::ListMessagesResponse* response) override {
    return host_.Unary(context, request, response, [this](CallPtr call, const v1::ListMessagesRequest& r) {
      return notifications_.ListMessages(std::move(call), r);
    });
  }

  grpc::ServerUnaryReactor* ListDossierMessages(Context* context, const v1::ListDossierMessagesRequest* request,
                                                v1::ListMessagesResponse* response) override {
    return host_.Unary(context, request, response, [this](CallPtr call, const v1::ListDossierMessagesRequest& r) {
      return notifications_.ListDossierMessages(std::move(call), r);
    });
  }

  grpc::ServerUnaryReactor* MarkRead(Context* context, const v1::MarkReadRequest* request,
                                     v1::MarkReadResponse* response) override {
    return host_.Unary(context, request, response, [this](CallPtr call, const v1::MarkReadRequest& r) {
      return notifications_.MarkRead(std::move(call), r);
    });
  }

  grpc::ServerUnaryReactor* SetPreferences(Context* context, const v1::SetPreferencesRequest* request,
                                           v1::SetPreferencesResponse* response) override {
    return host_.Unary(context, request, response, [this](CallPtr call, const v1::SetPreferencesRequest& r) {
      return notifications_.SetPreferences(std::move(call), r);
    });
  }

  grpc::ServerUnaryReactor* GetStatistics(Context* context, const v1::GetStatisticsRequest* request,
                                          v1::Statistics* response) override {
    return host_.Unary(context, request, response, [this](CallPtr call, const v1::GetStatisticsRequest& r) {
      return notifications_.GetStatistics(std::move(call), r);
    });
  }

  grpc::ServerWriteReactor<v1::Message>* Subscribe(Context* context, const v1::SubscribeRequest* request) override {
    return host_.Stream<v1::SubscribeRequest, v1::Message>(
        context, request, [this](CallPtr call, v1::SubscribeRequest r, rpc::StreamWriter<v1::Message> writer) {
          Notifications::Sink sink = [writer](v1::Message message) mutable { return writer.Write(std::move(message)); };
          return notifications_.Subscribe(std::move(call), std::move(r), std::move(sink));
        });
  }

 private:
  rpc::Host& host_;
  Notifications& notifications_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeNotificationService(rpc::Host& host, Notifications& notifications) {
  return std::make_unique<NotificationService>(host, notifications);
}

}  // namespace motcua::notification
