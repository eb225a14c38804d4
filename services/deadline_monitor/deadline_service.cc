#include "services/deadline_monitor/deadline_service.h"

#include <memory>

#include "common/rpc/unary.h"
#include "common/service/caller.h"

namespace motcua::deadline {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using CallPtr = std::shared_ptr<rpc::Call>;

ServerUnaryReactor* DeadlineServiceImpl::GetClock(CallbackServerContext* context, const v1::GetClockRequest* request,
                                                  v1::GetClockResponse* response) {
  return host_.Unary(context, request, response, [this](CallPtr call, const v1::GetClockRequest& r) {
    return monitor_.GetClock(call->principal(), service::CallerOf(*call), r);
  });
}

ServerUnaryReactor* DeadlineServiceImpl::ListClocks(CallbackServerContext* context,
                                                    const v1::ListClocksRequest* request,
                                                    v1::ListClocksResponse* response) {
  return host_.Unary(context, request, response, [this](CallPtr call, const v1::ListClocksRequest& r) {
    return monitor_.ListClocks(call->principal(), service::CallerOf(*call), r);
  });
}

ServerUnaryReactor* DeadlineServiceImpl::ChangeDue(CallbackServerContext* context, const v1::ChangeDueRequest* request,
                                                   v1::ChangeDueResponse* response) {
  return host_.Unary(context, request, response, [this](CallPtr call, const v1::ChangeDueRequest& r) {
    return monitor_.ChangeDue(call->principal(), service::CallerOf(*call), r);
  });
}

ServerUnaryReactor* DeadlineServiceImpl::GetHistory(CallbackServerContext* context,
                                                    const v1::GetHistoryRequest* request,
                                                    common::v1::History* response) {
  return host_.Unary(context, request, response, [this](CallPtr call, const v1::GetHistoryRequest& r) {
    return monitor_.GetHistory(call->principal(), service::CallerOf(*call), r);
  });
}

ServerUnaryReactor* DeadlineServiceImpl::GetStatistics(CallbackServerContext* context,
                                                       const v1::GetStatisticsRequest* request,
                                                       v1::Statistics* response) {
  return host_.Unary(context, request, response, [this](CallPtr call, const v1::GetStatisticsRequest& r) {
    return monitor_.GetStatistics(call->principal(), service::CallerOf(*call), r);
  });
}

}  // namespace motcua::deadline
