// Intake's calls, without gRPC: each loads what it needs, lets the domain decide, commits, answers.
#ifndef MOTCUA_SERVICES_INTAKE_INTAKE_H_
#define MOTCUA_SERVICES_INTAKE_INTAKE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/feed/publisher.h"
#include "common/reference/catalogue.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/reference/v1/reference.pb.h"
#include "services/intake/domain/dossier_model.h"
#include "services/intake/domain/standing.h"
#include "services/intake/guess_limit.h"

namespace motcua::intake {

// The errors of each call are those of the contract (intake.proto). Requests have passed the field rules, callers the
// policy table; `who` and `caller` name the same one.
//
// Confined to the loop of its store. All references outlive it and its tasks.
class Intake {
 public:
  template <class Response>
  using Answered = async::Task<absl::StatusOr<Response>>;

  Intake(store::Store& store, service::Catalogues& catalogues, feed::Publisher& publisher);

  Answered<v1::FileResponse> File(const auth::Principal& who, store::Caller caller,
                                  const v1::FileRequest& request);
  Answered<v1::AcceptResponse> Accept(const auth::Principal& who, store::Caller caller,
                                      const v1::AcceptRequest& request);
  Answered<v1::RefuseResponse> Refuse(const auth::Principal& who, store::Caller caller,
                                      const v1::RefuseRequest& request);
  Answered<v1::ReturnResultResponse> ReturnResult(const auth::Principal& who, store::Caller caller,
                                                  const v1::ReturnResultRequest& request);
  Answered<v1::RateResponse> Rate(const auth::Principal& who, store::Caller caller,
                                  const v1::RateRequest& request);

  Answered<v1::Dossier> GetDossier(const auth::Principal& who, store::Caller caller,
                                   const v1::GetDossierRequest& request);
  Answered<v1::ListDossiersResponse> ListDossiers(const auth::Principal& who, store::Caller caller,
                                                  const v1::ListDossiersRequest& request);
  Answered<v1::LookUpResponse> LookUp(store::Caller caller, const v1::LookUpRequest& request);
  Answered<common::v1::History> GetHistory(const auth::Principal& who, store::Caller caller,
                                           const v1::GetHistoryRequest& request);
  Answered<v1::Statistics> GetStatistics(const auth::Principal& who, store::Caller caller,
                                         const v1::GetStatisticsRequest& request);

  Answered<v1::ApplyReferenceResponse> ApplyReference(const auth::Principal& who, store::Caller caller,
                                                      const v1::ApplyReferenceRequest& request);
  Answered<reference::v1::ReferenceSet> GetReference(store::Caller caller,
                                                     const v1::GetReferenceRequest& request);
  Answered<v1::ComputeDueResponse> ComputeDue(store::Caller caller, const v1::ComputeDueRequest& request);

 private:
  using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

  Answered<v1::ApplyReferenceResponse> PutReference(store::Caller caller,
                                                    const reference::v1::ReferenceSet& set);

  store::Store& store_;
  service::Catalogues& catalogues_;
  feed::Publisher& publisher_;
  const time::SystemClock real_time_;
  GuessLimit guesses_;
};

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_INTAKE_H_
