// Calls that only read dossiers.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/service/page.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/calls/intake.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/code/secret.h"
#include "services/intake/domain/dossier/completion.h"
#include "services/intake/domain/dossier/view.h"
#include "services/intake/domain/receipt/findings.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using store::Caller;
using store::Session;

namespace {

constexpr uint32_t kDefaultPage = 50;
constexpr uint32_t kLargestPage = 200;
constexpr uint32_t kLongestHistory = 10000;

// Loads one dossier into the session.
Task<absl::Status> Load(Session& session, std::string code, absl::Time deadline) {
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  if (session.Find<DossierModel>(code) != nullptr) co_return absl::OkStatus();
  co_return session.unreadable().ok() ? NoSuchDossier() : session.unreadable();
}

}  // namespace

Task<absl::StatusOr<v1::GetDossierResponse>> Intake::GetDossier(const Principal& who, Caller caller,
                                                                const v1::GetDossierRequest& request) {
  const std::string code = NormalDossierCode(request.dossier());
  const std::string shard = store::ShardOf(code);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, shard);
  absl::Status loaded = co_await Load(session, code, caller.deadline);
  if (!loaded.ok()) co_return loaded;
  v1::GetDossierResponse response;
  *response.mutable_dossier() =
      ViewOf(*session.Find<DossierModel>(code), session.VersionOf<DossierModel>(code));
  co_return response;
}

Task<absl::StatusOr<v1::ListDossiersResponse>> Intake::ListDossiers(const Principal& who, Caller caller,
                                                                    const v1::ListDossiersRequest& request) {
  const std::string agency = NormalAgencyId(request.agency());
  const std::string shard = store::ShardOf(agency);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (!catalogue.ok() && errors::Reason(catalogue.status()) != "UNKNOWN_SHARD") co_return catalogue.status();
  if (!catalogue.ok() || (*catalogue)->FindAgency(agency) == nullptr) {
    Findings findings;
    findings.Add("agency", "UNKNOWN_AGENCY", "is not an agency of the jurisdiction");
    co_return findings.ToStatus();
  }
  if (StandingOf(who) == Standing::kOwnAgency &&
      who.agency != ReceiverInCharge(agency, store_.clock().Now(), **catalogue)) {
    co_return errors::PermissionDenied("NOT_YOUR_AGENCY",
                                       "only officers of the agency may list its dossiers");
  }
  const auto ask = [this, deadline = caller.deadline](const v1::ListDossiersRequest& page, size_t* bytes) {
    return DossiersOf(page, deadline, bytes);
  };
  Answered<v1::ListDossiersResponse> page =
      service::PageWithin<v1::ListDossiersResponse>(request, kDefaultPage, ask);
  co_return co_await std::move(page);
}

Task<absl::StatusOr<v1::ListDossiersResponse>> Intake::DossiersOf(v1::ListDossiersRequest request,
                                                                  absl::Time deadline, size_t* bytes) {
  const std::string agency = NormalAgencyId(request.agency());
  const std::string shard = store::ShardOf(agency);
  absl::StatusOr<store::IndexPage> page =
      co_await store_.ReadIndex(shard, AgencyIndex(agency, request.status()), store::Order::kDescending,
                                std::min(request.page_size(), kLargestPage), request.page_token(), deadline);
  if (!page.ok()) co_return page.status();

  Session session(store_, shard);
  std::vector<std::string> keys;
  for (std::string& member : page->members) {
    member = absl::StrCat(agency, "-", member);
    keys.push_back(session.KeyOf<DossierModel>(member));
  }
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  v1::ListDossiersResponse response;
  for (const std::string& code : page->members) {
    const internal::intake::DossierRecord* record = session.Find<DossierModel>(code);
    if (record == nullptr) continue;
    // It may have moved on since the index was read.
    if (request.status() != common::v1::DOSSIER_STATUS_UNSPECIFIED &&
        record->dossier().status() != request.status()) {
      continue;
    }
    v1::Dossier& dossier = *response.add_dossiers();
    dossier = ViewOf(*record, session.VersionOf<DossierModel>(code));
    dossier.clear_components();
  }
  response.set_next_page_token(page->next_page_token);
  response.set_total(page->total);
  *bytes = response.ByteSizeLong();
  co_return response;
}

Task<absl::StatusOr<v1::LookUpResponse>> Intake::LookUp(Caller caller, const v1::LookUpRequest& request) {
  const std::string code = NormalDossierCode(request.dossier());
  const std::string shard = store::ShardOf(code);
  absl::Status allowed = guesses_.Begin(code);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, shard);
  absl::Status loaded = co_await Load(session, code, caller.deadline);
  if (!loaded.ok()) {
    if (!absl::IsNotFound(loaded)) guesses_.Withdraw(code);
    co_return loaded;
  }
  const internal::intake::DossierRecord* record = session.Find<DossierModel>(code);
  if (!SameSecret(record->secret(), request.secret())) co_return NoSuchDossier();
  guesses_.Succeeded(code);
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  co_return PublicViewOf(*record, **catalogue);
}

Task<absl::StatusOr<v1::GetHistoryResponse>> Intake::GetHistory(const Principal& who, Caller caller,
                                                                const v1::GetHistoryRequest& request) {
  const std::string code = NormalDossierCode(request.dossier());
  const std::string shard = store::ShardOf(code);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, shard);
  absl::Status loaded = co_await Load(session, code, caller.deadline);
  if (!loaded.ok()) co_return loaded;
  absl::StatusOr<common::v1::History> history =
      co_await session.ReadHistory<DossierModel>(code, kLongestHistory, caller.deadline);
  if (!history.ok()) co_return history.status();
  v1::GetHistoryResponse response;
  *response.mutable_history() = *std::move(history);
  co_return response;
}

Task<absl::StatusOr<v1::GetStatisticsResponse>> Intake::GetStatistics(
    const Principal& who, Caller caller, const v1::GetStatisticsRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(request.shard(), caller.deadline);
  if (!counters.ok()) co_return counters.status();
  co_return StatisticsFrom(*counters);
}

}  // namespace motcua::intake
