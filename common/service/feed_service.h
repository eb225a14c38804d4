// FeedService and AdminService of motcua, the same in every service.
#ifndef MOTCUA_COMMON_SERVICE_FEED_SERVICE_H_
#define MOTCUA_COMMON_SERVICE_FEED_SERVICE_H_

#include "common/auth/policy.h"
#include "common/rpc/host.h"
#include "common/service/backend.h"
#include "motcua/admin/v1/admin.grpc.pb.h"
#include "motcua/feed/v1/feed.grpc.pb.h"

namespace motcua::service {

// Adds who may call the two services to a policy table.
void AllowCommonMethods(auth::Policy& policy);

class FeedServiceImpl final : public feed::v1::FeedService::CallbackService {
 public:
  FeedServiceImpl(rpc::Host& host, Backend& backend) : host_(host), backend_(backend) {}

  grpc::ServerUnaryReactor* ListShards(grpc::CallbackServerContext* context, const feed::v1::ListShardsRequest* request,
                                       feed::v1::ListShardsResponse* response) override;
  grpc::ServerWriteReactor<feed::v1::ReadResponse>* Read(grpc::CallbackServerContext* context,
                                                         const feed::v1::ReadRequest* request) override;
  grpc::ServerUnaryReactor* Acknowledge(grpc::CallbackServerContext* context,
                                        const feed::v1::AcknowledgeRequest* request,
                                        feed::v1::AcknowledgeResponse* response) override;

 private:
  rpc::Host& host_;
  Backend& backend_;
};

class AdminServiceImpl final : public admin::v1::AdminService::CallbackService {
 public:
  AdminServiceImpl(rpc::Host& host, Backend& backend) : host_(host), backend_(backend) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const admin::v1::GetStatusRequest* request,
                                      admin::v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* Advance(grpc::CallbackServerContext* context, const admin::v1::AdvanceRequest* request,
                                    admin::v1::AdvanceResponse* response) override;

 private:
  rpc::Host& host_;
  Backend& backend_;
};

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_FEED_SERVICE_H_
