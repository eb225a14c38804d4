// IntakeService over gRPC: each method hands its request to Intake. Who may call and what a request must look like is
// checked by the host before.
#ifndef MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_
#define MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_

#include "common/rpc/host.h"
#include "motcua/intake/v1/intake.grpc.pb.h"
#include "services/intake/intake.h"

namespace motcua::intake {

// Thread-safe, as gRPC asks; the work is done on the host's loop. Host and intake outlive it.
class IntakeService final : public v1::IntakeService::CallbackService {
 public:
  IntakeService(rpc::Host& host, Intake& intake) : host_(host), intake_(intake) {}

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* File(Context*, const v1::FileRequest*, v1::FileResponse*) override;
  Reactor* Accept(Context*, const v1::AcceptRequest*, v1::AcceptResponse*) override;
  Reactor* Refuse(Context*, const v1::RefuseRequest*, v1::RefuseResponse*) override;
  Reactor* ReturnResult(Context*, const v1::ReturnResultRequest*, v1::ReturnResultResponse*) override;
  Reactor* Rate(Context*, const v1::RateRequest*, v1::RateResponse*) override;
  Reactor* GetDossier(Context*, const v1::GetDossierRequest*, v1::Dossier*) override;
  Reactor* ListDossiers(Context*, const v1::ListDossiersRequest*, v1::ListDossiersResponse*) override;
  Reactor* LookUp(Context*, const v1::LookUpRequest*, v1::LookUpResponse*) override;
  Reactor* GetHistory(Context*, const v1::GetHistoryRequest*, common::v1::History*) override;
  Reactor* ApplyReference(Context*, const v1::ApplyReferenceRequest*, v1::ApplyReferenceResponse*) override;
  Reactor* GetReference(Context*, const v1::GetReferenceRequest*, reference::v1::ReferenceSet*) override;
  Reactor* ComputeDue(Context*, const v1::ComputeDueRequest*, v1::ComputeDueResponse*) override;
  Reactor* GetStatistics(Context*, const v1::GetStatisticsRequest*, v1::Statistics*) override;

 private:
  template <class Request, class Response>
  using Method = Intake::Answered<Response> (Intake::*)(auth::Principal, store::Caller, Request);
  // Of a call whose answer does not depend on who asks.
  template <class Request, class Response>
  using OpenMethod = Intake::Answered<Response> (Intake::*)(store::Caller, Request);

  template <class Request, class Response>
  Reactor* Serve(Context* context, const Request* request, Response* response, Method<Request, Response> method);
  template <class Request, class Response>
  Reactor* Serve(Context* context, const Request* request, Response* response, OpenMethod<Request, Response> method);

  rpc::Host& host_;
  Intake& intake_;
};

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_
