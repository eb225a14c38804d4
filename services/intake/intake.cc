// Calls that change dossiers.
#include "services/intake/intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/intake/domain/acceptance.h"
#include "services/intake/domain/completion.h"
#include "services/intake/domain/dossier_code.h"
#include "services/intake/domain/filing.h"
#include "services/intake/domain/findings.h"
#include "services/intake/domain/view.h"
#include "services/intake/policy.h"
#include "services/intake/secret_source.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using store::Caller;
using store::Context;

namespace {

template <class Response>
Task<absl::StatusOr<Response>> Failed(absl::Status status) {
  co_return status;
}

// Answers with `written` alone, which the store fills in.
template <class Response>
store::Answer<DossierModel, Response> Nothing() {
  return [](const v1::DossierRecord&, Response&) {};
}

}  // namespace

Intake::Intake(store::Store& store, service::Catalogues& catalogues, feed::Publisher& publisher)
    : store_(store), catalogues_(catalogues), publisher_(publisher), guesses_(real_time_) {}

Task<absl::StatusOr<v1::FileResponse>> Intake::File(Principal who, Caller caller, v1::FileRequest request) {
  request.set_receiving_agency(NormalAgencyId(request.receiving_agency()));
  const std::string shard = store::ShardOf(request.receiving_agency());
  absl::Status allowed = CheckJurisdiction(who, shard);
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
  absl::StatusOr<v1::FileResponse> response =
      co_await CreateDossier(std::move(caller), std::move(request), *std::move(catalogue), *std::move(secret),
                             FilingStandingOf(who));
  co_return response;
}

Task<absl::StatusOr<v1::FileResponse>> Intake::CreateDossier(Caller caller, v1::FileRequest request,
                                                             CataloguePtr catalogue, std::string secret,
                                                             Standing standing) {
  const std::string shard = catalogue->id();
  store::NewId new_id = [this, catalogue, request, actor = caller.actor, standing, deadline = caller.deadline](
                            absl::Time now, std::string previous) {
    return IssueCode(catalogue, request, actor, standing, now, std::move(previous), deadline);
  };
  return store::Create<DossierModel, v1::FileRequest, v1::FileResponse>(
      store_, std::move(caller), request, shard, std::move(new_id),
      [catalogue, request, secret, standing](const std::string& code, const Context& context) {
        return DecideFile(request, code, secret, context, *catalogue, standing);
      },
      [](const v1::DossierRecord& record, v1::FileResponse& response) {
        *response.mutable_dossier() = ViewOf(record, 1);
        response.set_secret(record.secret());
      });
}

Task<absl::StatusOr<std::string>> Intake::IssueCode(CataloguePtr catalogue, v1::FileRequest request,
                                                    common::v1::Actor actor, Standing standing, absl::Time now,
                                                    std::string previous, absl::Time deadline) {
  const Context context(now, std::move(actor));
  absl::Status good = CheckFiling(request, context, *catalogue, standing);
  if (!good.ok()) co_return good;
  const absl::CivilDay day = catalogue->DayOf(now);
  const std::string of_day = absl::StrCat(request.receiving_agency(), "-", DayStamp(day));
  if (previous.rfind(of_day + "-", 0) == 0) co_return previous;
  absl::StatusOr<uint64_t> number = co_await store_.NextNumber(store_.Keys(catalogue->id()).Sequence(of_day), deadline);
  if (!number.ok()) co_return number.status();
  co_return ComposeCode(request.receiving_agency(), day, *number);
}

Task<absl::StatusOr<v1::AcceptResponse>> Intake::Accept(Principal who, Caller caller, v1::AcceptRequest request) {
  request.set_dossier(NormalDossierCode(request.dossier()));
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = CheckJurisdiction(who, shard);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") co_return NoSuchDossier();
  if (!catalogue.ok()) co_return catalogue.status();
  absl::StatusOr<v1::AcceptResponse> response =
      co_await AcceptDossier(std::move(caller), std::move(request), *std::move(catalogue), StandingOf(who));
  if (response.ok()) response->mutable_dossier()->set_version(response->written().version());
  co_return response;
}

Task<absl::StatusOr<v1::AcceptResponse>> Intake::AcceptDossier(Caller caller, v1::AcceptRequest request,
                                                               CataloguePtr catalogue, Standing standing) {
  return store::Mutate<DossierModel, v1::AcceptRequest, v1::AcceptResponse>(
      store_, std::move(caller), request, catalogue->id(), request.dossier(),
      [catalogue, request, standing](const v1::DossierRecord* record, const Context& context) {
        return DecideAccept(record, request, context, *catalogue, standing);
      },
      [](const v1::DossierRecord& record, v1::AcceptResponse& response) {
        *response.mutable_dossier() = ViewOf(record, 0);
      });
}

Task<absl::StatusOr<v1::RefuseResponse>> Intake::Refuse(Principal who, Caller caller, v1::RefuseRequest request) {
  request.set_dossier(NormalDossierCode(request.dossier()));
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = CheckJurisdiction(who, shard);
  if (!allowed.ok()) return Failed<v1::RefuseResponse>(std::move(allowed));
  return store::Mutate<DossierModel, v1::RefuseRequest, v1::RefuseResponse>(
      store_, std::move(caller), request, shard, request.dossier(),
      [request, standing = StandingOf(who)](const v1::DossierRecord* record, const Context& context) {
        return DecideRefuse(record, request, context, standing);
      },
      Nothing<v1::RefuseResponse>());
}

Task<absl::StatusOr<v1::ReturnResultResponse>> Intake::ReturnResult(Principal who, Caller caller,
                                                                    v1::ReturnResultRequest request) {
  request.set_dossier(NormalDossierCode(request.dossier()));
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = CheckJurisdiction(who, shard);
  if (!allowed.ok()) return Failed<v1::ReturnResultResponse>(std::move(allowed));
  return store::Mutate<DossierModel, v1::ReturnResultRequest, v1::ReturnResultResponse>(
      store_, std::move(caller), request, shard, request.dossier(),
      [request, standing = StandingOf(who)](const v1::DossierRecord* record, const Context& context) {
        return DecideReturn(record, request, context, standing);
      },
      Nothing<v1::ReturnResultResponse>());
}

Task<absl::StatusOr<v1::RateResponse>> Intake::Rate(Principal who, Caller caller, v1::RateRequest request) {
  request.set_dossier(NormalDossierCode(request.dossier()));
  const std::string code = request.dossier();
  const RaterGround ground = GroundOf(who, !request.secret().empty());
  const bool by_secret = ground == RaterGround::kSecret;
  // Who knows the secret may live anywhere.
  absl::Status allowed = by_secret ? guesses_.Begin(code) : CheckJurisdiction(who, store::ShardOf(code));
  if (!allowed.ok()) co_return allowed;
  store::Decide<DossierModel> decide = [request, ground, standing = StandingOf(who)](
                                           const v1::DossierRecord* record, const Context& context) {
    return DecideRate(record, request, context, ground, standing);
  };
  Task<absl::StatusOr<v1::RateResponse>> rating = store::Mutate<DossierModel, v1::RateRequest, v1::RateResponse>(
      store_, std::move(caller), request, store::ShardOf(code), code, std::move(decide), Nothing<v1::RateResponse>());
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
