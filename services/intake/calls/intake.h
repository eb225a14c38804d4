// Intake's calls, without gRPC: each loads what it needs, lets the domain decide, commits, answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/feed/publisher.h"
#include "common/reference/catalogue.h"
#include "common/reference/listing.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/reference/v1/reference.pb.h"
#include "services/intake/calls/guess_limit.h"
#include "services/intake/domain/dossier/dossier_model.h"
#include "services/intake/domain/receipt/standing.h"
#include "services/intake/domain/reference/inheritance.h"

namespace motcua::intake {

// The errors of each call are those of the contract (intake.proto). Requests have passed the field rules,
// callers the policy table; `who` and `caller` name the same one.
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

  Answered<v1::GetDossierResponse> GetDossier(const auth::Principal& who, store::Caller caller,
                                              const v1::GetDossierRequest& request);
  Answered<v1::ListDossiersResponse> ListDossiers(const auth::Principal& who, store::Caller caller,
                                                  const v1::ListDossiersRequest& request);
  Answered<v1::LookUpResponse> LookUp(store::Caller caller, const v1::LookUpRequest& request);
  Answered<v1::GetHistoryResponse> GetHistory(const auth::Principal& who, store::Caller caller,
                                              const v1::GetHistoryRequest& request);
  Answered<v1::GetStatisticsResponse> GetStatistics(const auth::Principal& who, store::Caller caller,
                                                    const v1::GetStatisticsRequest& request);

  Answered<v1::ApplyReferenceResponse> ApplyReference(const auth::Principal& who, store::Caller caller,
                                                      const v1::ApplyReferenceRequest& request);
  Answered<v1::GetReferenceResponse> GetReference(store::Caller caller,
                                                  const v1::GetReferenceRequest& request);
  Answered<v1::UploadReferenceResponse> UploadReference(const auth::Principal& who, store::Caller caller,
                                                        const v1::UploadReferenceRequest& request);
  Answered<v1::GetReferenceUploadResponse> GetReferenceUpload(const auth::Principal& who,
                                                              store::Caller caller,
                                                              const v1::GetReferenceUploadRequest& request);
  Answered<v1::DropReferenceUploadResponse> DropReferenceUpload(
      const auth::Principal& who, store::Caller caller, const v1::DropReferenceUploadRequest& request);
  Answered<v1::ListReferenceVersionsResponse> ListReferenceVersions(
      const auth::Principal& who, store::Caller caller, const v1::ListReferenceVersionsRequest& request);
  Answered<v1::ListAgenciesResponse> ListAgencies(const auth::Principal& who, store::Caller caller,
                                                  const v1::ListAgenciesRequest& request);
  Answered<v1::ListOfficersResponse> ListOfficers(const auth::Principal& who, store::Caller caller,
                                                  const v1::ListOfficersRequest& request);
  Answered<v1::ListProceduresResponse> ListProcedures(const auth::Principal& who, store::Caller caller,
                                                      const v1::ListProceduresRequest& request);
  Answered<v1::ListCalendarsResponse> ListCalendars(const auth::Principal& who, store::Caller caller,
                                                    const v1::ListCalendarsRequest& request);
  Answered<v1::GetAgencyResponse> GetAgency(const auth::Principal& who, store::Caller caller,
                                            const v1::GetAgencyRequest& request);
  Answered<v1::GetProcedureResponse> GetProcedure(const auth::Principal& who, store::Caller caller,
                                                  const v1::GetProcedureRequest& request);
  Answered<v1::ComputeDueResponse> ComputeDue(store::Caller caller, const v1::ComputeDueRequest& request);

  // Drops uploads and older versions of the reference data that are not needed any more, and lets pass what
  // an interrupted ApplyReference has left: of every shard, at first and time and again until cancelled.
  async::Task<void> KeepTidy(async::Loop& loop, async::CancelToken cancel);
  // The same once.
  async::Task<absl::Status> TidyAll(absl::Time deadline);
  // Of one shard, once, without what is to pass.
  async::Task<absl::Status> Tidy(std::string shard, absl::Time deadline);

 private:
  // One page, without asking who may see it.
  Answered<v1::ListDossiersResponse> DossiersOf(v1::ListDossiersRequest request, absl::Time deadline,
                                                size_t* bytes);

  using CataloguePtr = service::CataloguePtr;

  // The catalogue that a change of a dossier of the shard is judged by. NOT_FOUND (DOSSIER_NOT_FOUND) where
  // there is none: then there are no dossiers.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueFor(std::string shard, absl::Time deadline);

  // What `set`, to be the version after that of `state`, inherits, and in `passing` the shards that would
  // pass by it: whether they may, by the rules and the caller's rights, and keep their agencies. What is
  // pointed to outlives the task.
  async::Task<absl::StatusOr<Inherits>> LookAtInherited(const auth::Principal* who,
                                                        const ReferenceState* state, CataloguePtr set,
                                                        std::vector<v1::PassingShard>* passing,
                                                        absl::Time deadline);
  // Lets pass what the version in force of the jurisdiction inherits and what has not passed yet, each in a
  // commit of its own.
  async::Task<absl::Status> PassInherited(std::string jurisdiction, store::Caller caller);
  async::Task<absl::Status> Pass(reference::v1::ShardPassing passing, Inherits inherits,
                                 store::Caller caller);

  // The catalogue of a version; 0 = in force.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueOf(const auth::Principal& who, std::string shard,
                                                        uint64_t version, absl::Time deadline);
  // A page of one of the lists, which `select` makes of the catalogue. What is pointed to outlives the task.
  template <class Response, class Request, class Item>
  async::Task<absl::StatusOr<Response>> PageOf(
      const char* list, const auth::Principal* who, store::Caller caller, const Request* request,
      reference::ListQuery query,
      reference::Listed<Item> (*select)(const reference::Catalogue&, const reference::ListQuery&),
      google::protobuf::RepeatedPtrField<Item>* (Response::*items)());

  store::Store& store_;
  service::Catalogues& catalogues_;
  feed::Publisher& publisher_;
  const time::SystemClock real_time_;
  GuessLimit guesses_;
};

}  // namespace motcua::intake
