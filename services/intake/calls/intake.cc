// Calls that change dossiers.
#include "services/intake/calls/intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/store/create.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/calls/secret_source.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/dossier/completion.h"
#include "services/intake/domain/dossier/view.h"
#include "services/intake/domain/receipt/acceptance.h"
#include "services/intake/domain/receipt/filing.h"
#include "services/intake/domain/receipt/findings.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using store::Caller;
using store::Context;

namespace {

// Answers with `written` alone, which the store fills in.
template <class Response>
store::Answer<DossierModel, Response> Nothing() {
  return [](const internal::intake::DossierRecord&, Response&) {};
}

// The next code of the day, once the application is known to be good.
absl::StatusOr<store::Naming> NameDossier(const v1::FileRequest& request,
                                          const reference::Catalogue& catalogue, Standing standing,
                                          const Context& context) {
  absl::Status good = CheckFiling(request, context, catalogue, standing);
  if (!good.ok()) return good;
  const absl::CivilDay day = catalogue.DayOf(context.now);
  std::string agency = NormalAgencyId(request.receiving_agency());
  std::string sequence = absl::StrCat(agency, "-", DayStamp(day));
  return store::Naming(std::move(sequence), [agency = std::move(agency), day](uint64_t number) {
    return ComposeCode(agency, day, number);
  });
}

}  // namespace

Intake::Intake(store::Store& store, service::Catalogues& catalogues, feed::Publisher& publisher)
    : store_(store), catalogues_(catalogues), publisher_(publisher), guesses_(real_time_) {}

Task<absl::StatusOr<v1::FileResponse>> Intake::File(const Principal& who, Caller caller,
                                                    const v1::FileRequest& request) {
  const std::string shard = store::ShardOf(NormalAgencyId(request.receiving_agency()));
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (allowed.ok()) allowed = CheckMayAccept(who, request);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") {
    Findings findings;
    findings.Add("receiving_agency", "UNKNOWN_AGENCY", "is of a jurisdiction without reference data");
    co_return findings.ToStatus();
  }
  if (!catalogue.ok()) co_return catalogue.status();
  absl::StatusOr<std::string> secret = NewSecret();
  if (!secret.ok()) co_return secret.status();
  const reference::Catalogue& current = **catalogue;
  const Standing standing = FilingStandingOf(who);
  store::Name name = [&request, &current, standing](const Context& context) {
    return NameDossier(request, current, standing, context);
  };
  store::DecideNew<DossierModel> decide = [&request, &current, &secret = *secret, standing](
                                              const std::string& code, const Context& context) {
    return DecideFile(request, code, secret, context, current, standing);
  };
  store::Answer<DossierModel, v1::FileResponse> answer = [](const internal::intake::DossierRecord& record,
                                                            v1::FileResponse& response) {
    *response.mutable_dossier() = ViewOf(record, 1);
    response.set_secret(record.secret());
  };
  co_return co_await store::Create<DossierModel, v1::FileRequest, v1::FileResponse>(
      store_, std::move(caller), request, shard, std::move(name), std::move(decide), std::move(answer));
}

Task<absl::StatusOr<v1::AcceptResponse>> Intake::Accept(const Principal& who, Caller caller,
                                                        const v1::AcceptRequest& request) {
  std::string code = NormalDossierCode(request.dossier());
  const std::string shard = store::ShardOf(code);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueFor(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Decide<DossierModel> decide = [&request, &current = **catalogue, standing = StandingOf(who)](
                                           const internal::intake::DossierRecord* record,
                                           const Context& context) {
    return DecideAccept(record, request, context, current, standing);
  };
  store::Answer<DossierModel, v1::AcceptResponse> answer = [](const internal::intake::DossierRecord& record,
                                                              v1::AcceptResponse& response) {
    *response.mutable_dossier() = ViewOf(record, 0);
  };
  absl::StatusOr<v1::AcceptResponse> response =
      co_await store::Mutate<DossierModel, v1::AcceptRequest, v1::AcceptResponse>(
          store_, std::move(caller), request, shard, std::move(code), std::move(decide), std::move(answer));
  if (response.ok()) response->mutable_dossier()->set_version(response->written().version());
  co_return response;
}

Task<absl::StatusOr<Intake::CataloguePtr>> Intake::CatalogueFor(std::string shard, absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(std::move(shard), deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") co_return NoSuchDossier();
  co_return catalogue;
}

Task<absl::StatusOr<v1::RefuseResponse>> Intake::Refuse(const Principal& who, Caller caller,
                                                        const v1::RefuseRequest& request) {
  std::string code = NormalDossierCode(request.dossier());
  std::string shard = store::ShardOf(code);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueFor(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Decide<DossierModel> decide = [&request, &current = **catalogue, standing = StandingOf(who)](
                                           const internal::intake::DossierRecord* record,
                                           const Context& context) {
    return DecideRefuse(record, request, context, current, standing);
  };
  co_return co_await store::Mutate<DossierModel, v1::RefuseRequest, v1::RefuseResponse>(
      store_, std::move(caller), request, std::move(shard), std::move(code), std::move(decide),
      Nothing<v1::RefuseResponse>());
}

Task<absl::StatusOr<v1::ReturnResultResponse>> Intake::ReturnResult(const Principal& who, Caller caller,
                                                                    const v1::ReturnResultRequest& request) {
  std::string code = NormalDossierCode(request.dossier());
  std::string shard = store::ShardOf(code);
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueFor(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Decide<DossierModel> decide = [&request, &current = **catalogue, standing = StandingOf(who)](
                                           const internal::intake::DossierRecord* record,
                                           const Context& context) {
    return DecideReturn(record, request, context, current, standing);
  };
  co_return co_await store::Mutate<DossierModel, v1::ReturnResultRequest, v1::ReturnResultResponse>(
      store_, std::move(caller), request, std::move(shard), std::move(code), std::move(decide),
      Nothing<v1::ReturnResultResponse>());
}

Task<absl::StatusOr<v1::RateResponse>> Intake::Rate(const Principal& who, Caller caller,
                                                    const v1::RateRequest& request) {
  const std::string code = NormalDossierCode(request.dossier());
  const RaterGround ground = GroundOf(who, !request.secret().empty());
  const bool by_secret = ground == RaterGround::kSecret;
  const std::string shard = store::ShardOf(code);
  // Who knows the secret may live anywhere.
  absl::Status allowed;
  if (by_secret) {
    allowed = guesses_.Begin(code);
  } else {
    allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  }
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueFor(shard, caller.deadline);
  if (!catalogue.ok()) {
    if (by_secret && errors::IsRetryable(catalogue.status())) guesses_.Withdraw(code);
    co_return catalogue.status();
  }
  store::Decide<DossierModel> decide = [&request, &current = **catalogue, ground, standing = StandingOf(who)](
                                           const internal::intake::DossierRecord* record,
                                           const Context& context) {
    return DecideRate(record, request, context, current, ground, standing);
  };
  Task<absl::StatusOr<v1::RateResponse>> rating =
      store::Mutate<DossierModel, v1::RateRequest, v1::RateResponse>(
          store_, std::move(caller), request, shard, code, std::move(decide), Nothing<v1::RateResponse>());
  absl::StatusOr<v1::RateResponse> response = co_await std::move(rating);
  if (by_secret) {
    // A precondition is only looked at once the secret was right.
    if (response.ok() || absl::IsFailedPrecondition(response.status())) {
      guesses_.Succeeded(code);
    } else if (errors::IsRetryable(response.status())) {
      guesses_.Withdraw(code);
    }
  }
  co_return response;
}

}  // namespace motcua::intake
