#include "services/intake/intake_service.h"

#include <memory>

#include "common/rpc/unary.h"
#include "common/service/caller.h"

namespace motcua::intake {

using rpc::Call;
using service::CallerOf;
using Reactor = grpc::ServerUnaryReactor;

template <class Request, class Response>
Reactor* IntakeService::Serve(Context* context, const Request* request, Response* response,
                              Method<Request, Response> method) {
  return host_.Unary(context, request, response, [this, method](std::shared_ptr<Call> call, const Request& r) {
    return (intake_.*method)(call->principal(), CallerOf(*call), r);
  });
}

template <class Request, class Response>
Reactor* IntakeService::Serve(Context* context, const Request* request, Response* response,
                              OpenMethod<Request, Response> method) {
  return host_.Unary(context, request, response, [this, method](std::shared_ptr<Call> call, const Request& r) {
    return (intake_.*method)(CallerOf(*call), r);
  });
}

Reactor* IntakeService::File(Context* context, const v1::FileRequest* request, v1::FileResponse* response) {
  return Serve(context, request, response, &Intake::File);
}

Reactor* IntakeService::Accept(Context* context, const v1::AcceptRequest* request,
                               v1::AcceptResponse* response) {
  return Serve(context, request, response, &Intake::Accept);
}

Reactor* IntakeService::Refuse(Context* context, const v1::RefuseRequest* request,
                               v1::RefuseResponse* response) {
  return Serve(context, request, response, &Intake::Refuse);
}

Reactor* IntakeService::ReturnResult(Context* context, const v1::ReturnResultRequest* request,
                                     v1::ReturnResultResponse* response) {
  return Serve(context, request, response, &Intake::ReturnResult);
}

Reactor* IntakeService::Rate(Context* context, const v1::RateRequest* request, v1::RateResponse* response) {
  return Serve(context, request, response, &Intake::Rate);
}

Reactor* IntakeService::GetDossier(Context* context, const v1::GetDossierRequest* request,
                                   v1::Dossier* response) {
  return Serve(context, request, response, &Intake::GetDossier);
}

Reactor* IntakeService::ListDossiers(Context* context, const v1::ListDossiersRequest* request,
                                     v1::ListDossiersResponse* response) {
  return Serve(context, request, response, &Intake::ListDossiers);
}

Reactor* IntakeService::LookUp(Context* context, const v1::LookUpRequest* request,
                               v1::LookUpResponse* response) {
  return Serve(context, request, response, &Intake::LookUp);
}

Reactor* IntakeService::GetHistory(Context* context, const v1::GetHistoryRequest* request,
                                   common::v1::History* response) {
  return Serve(context, request, response, &Intake::GetHistory);
}

Reactor* IntakeService::ApplyReference(Context* context, const v1::ApplyReferenceRequest* request,
                                       v1::ApplyReferenceResponse* response) {
  return Serve(context, request, response, &Intake::ApplyReference);
}

Reactor* IntakeService::GetReference(Context* context, const v1::GetReferenceRequest* request,
                                     reference::v1::ReferenceSet* response) {
  return Serve(context, request, response, &Intake::GetReference);
}

Reactor* IntakeService::ComputeDue(Context* context, const v1::ComputeDueRequest* request,
                                   v1::ComputeDueResponse* response) {
  return Serve(context, request, response, &Intake::ComputeDue);
}

Reactor* IntakeService::GetStatistics(Context* context, const v1::GetStatisticsRequest* request,
                                      v1::Statistics* response) {
  return Serve(context, request, response, &Intake::GetStatistics);
}

}  // namespace motcua::intake
