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

  Answered<v1::FileResponse> File(auth::Principal who, store::Caller caller, v1::FileRequest request);
  Answered<v1::AcceptResponse> Accept(auth::Principal who, store::Caller caller, v1::AcceptRequest request);
  Answered<v1::RefuseResponse> Refuse(auth::Principal who, store::Caller caller, v1::RefuseRequest request);
  Answered<v1::ReturnResultResponse> ReturnResult(auth::Principal who, store::Caller caller,
                                                  v1::ReturnResultRequest request);
  Answered<v1::RateResponse> Rate(auth::Principal who, store::Caller caller, v1::RateRequest request);

  Answered<v1::Dossier> GetDossier(auth::Principal who, store::Caller caller, v1::GetDossierRequest request);
  Answered<v1::ListDossiersResponse> ListDossiers(auth::Principal who, store::Caller caller,
                                                  v1::ListDossiersRequest request);
  Answered<v1::LookUpResponse> LookUp(store::Caller caller, v1::LookUpRequest request);
  Answered<common::v1::History> GetHistory(auth::Principal who, store::Caller caller, v1::GetHistoryRequest request);
  Answered<v1::Statistics> GetStatistics(auth::Principal who, store::Caller caller, v1::GetStatisticsRequest request);

  Answered<v1::ApplyReferenceResponse> ApplyReference(auth::Principal who, store::Caller caller,
                                                      v1::ApplyReferenceRequest request);
  Answered<reference::v1::ReferenceSet> GetReference(store::Caller caller, v1::GetReferenceRequest request);
  Answered<v1::ComputeDueResponse> ComputeDue(store::Caller caller, v1::ComputeDueRequest request);

 private:
  using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

  // The next code of the day, once the application is known to be good; `previous` again while its day lasts.
  async::Task<absl::StatusOr<std::string>> IssueCode(CataloguePtr catalogue, v1::FileRequest request,
                                                     common::v1::Actor actor, Standing standing, absl::Time now,
                                                     std::string previous, absl::Time deadline);
  Answered<v1::FileResponse> CreateDossier(store::Caller caller, v1::FileRequest request, CataloguePtr catalogue,
                                           std::string secret, Standing standing);
  Answered<v1::AcceptResponse> AcceptDossier(store::Caller caller, v1::AcceptRequest request, CataloguePtr catalogue,
                                             Standing standing);
  Answered<v1::ApplyReferenceResponse> PutReference(store::Caller caller, reference::v1::ReferenceSet set);

  store::Store& store_;
  service::Catalogues& catalogues_;
  feed::Publisher& publisher_;
  const time::SystemClock real_time_;
  GuessLimit guesses_;
};

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_INTAKE_H_
