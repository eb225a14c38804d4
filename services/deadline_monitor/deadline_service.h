// DeadlineService of motcua.deadline.v1: from gRPC to the calls of Monitor, and nothing else.
#ifndef MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_
#define MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_

#include "common/rpc/host.h"
#include "motcua/deadline/v1/deadline.grpc.pb.h"
#include "services/deadline_monitor/monitor.h"

namespace motcua::deadline {

// Thread-safe as gRPC asks; host and monitor outlive it.
class DeadlineServiceImpl final : public v1::DeadlineService::CallbackService {
 public:
  DeadlineServiceImpl(rpc::Host& host, Monitor& monitor) : host_(host), monitor_(monitor) {}

  grpc::ServerUnaryReactor* GetClock(grpc::CallbackServerContext* context, const v1::GetClockRequest* request,
                                     v1::GetClockResponse* response) override;
  grpc::ServerUnaryReactor* ListClocks(grpc::CallbackServerContext* context, const v1::ListClocksRequest* request,
                                       v1::ListClocksResponse* response) override;
  grpc::ServerUnaryReactor* ChangeDue(grpc::CallbackServerContext* context, const v1::ChangeDueRequest* request,
                                      v1::ChangeDueResponse* response) override;
  grpc::ServerUnaryReactor* GetHistory(grpc::CallbackServerContext* context, const v1::GetHistoryRequest* request,
                                       common::v1::History* response) override;
  grpc::ServerUnaryReactor* GetStatistics(grpc::CallbackServerContext* context,
                                          const v1::GetStatisticsRequest* request, v1::Statistics* response) override;

 private:
  rpc::Host& host_;
  Monitor& monitor_;
};

}  // namespace motcua::deadline

#endif  // MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_
