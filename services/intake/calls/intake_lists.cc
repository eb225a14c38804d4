// Calls that tell reference data.
#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/reference/listing.h"
#include "common/service/reference_model.h"
#include "common/time/iso.h"
#include "services/intake/calls/intake.h"
#include "services/intake/calls/reference_store.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/receipt/findings.h"
#include "services/intake/domain/reference/reference_change.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using reference::ListQuery;
using store::Caller;
using store::Session;

namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kLargestPage = 500;
// gRPC's clients take messages of 4 MiB unless told otherwise.
constexpr size_t kMostInOneMessage = size_t{3'500} << 10;
constexpr size_t kMarkBytes = 8;

// What a page token begins with: it is good for the same list with the same filter.
std::string MarkOf(std::string_view list, const std::string& shard, const ListQuery& query) {
  const std::vector<std::string> parts = {std::string(list),
                                          shard,
                                          query.under,
                                          query.text,
                                          query.role,
                                          query.sector,
                                          absl::StrCat(query.level),
                                          query.as_of.has_value() ? absl::FormatCivilTime(*query.as_of) : ""};
  return store::Sha256(absl::StrJoin(parts, "\n")).substr(0, kMarkBytes);
}

// What all lists have in common.
template <class Request>
absl::Status ReadQuery(std::string_view list, const Request& request, ListQuery& query, std::string& mark) {
  query.text = request.query();
  query.most = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kLargestPage);
  if constexpr (requires { request.as_of(); }) {
    if (!request.as_of().empty()) {
      const absl::StatusOr<absl::CivilDay> day = time::ParseDate(request.as_of());
      if (!day.ok()) return errors::InvalidArgument("INVALID_REQUEST", "as_of: must be a date that exists");
      query.as_of = *day;
    }
  }
  mark = MarkOf(list, request.shard(), query);
  if (request.page_token().empty()) return absl::OkStatus();
  std::string token;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &token) || token.size() <= kMarkBytes ||
      token.substr(0, kMarkBytes) != mark) {
    return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
  }
  query.after = token.substr(kMarkBytes);
  return absl::OkStatus();
}

absl::Status CheckUnder(const reference::Catalogue& catalogue, const std::string& under) {
  if (under.empty() || catalogue.FindAgency(under) != nullptr) return absl::OkStatus();
  Findings findings;
  findings.Add("under", "UNKNOWN_AGENCY", "is not an agency of the jurisdiction");
  return findings.ToStatus();
}

}  // namespace

Task<absl::StatusOr<Intake::CataloguePtr>> Intake::CatalogueOf(const Principal& who, std::string shard,
                                                               uint64_t version, absl::Time deadline) {
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, deadline);
  if (!allowed.ok()) co_return allowed;
  if (version == 0) co_return co_await catalogues_.Get(std::move(shard), deadline);
  co_return co_await CatalogueOfVersion(store_, catalogues_, std::move(shard), version, deadline);
}

template <class Response, class Request, class Item>
Task<absl::StatusOr<Response>> Intake::PageOf(
    const char* list, const Principal* who, Caller caller, const Request* request, ListQuery query,
    reference::Listed<Item> (*select)(const reference::Catalogue&, const ListQuery&),
    google::protobuf::RepeatedPtrField<Item>* (Response::*items)()) {
  std::string mark;
  absl::Status read = ReadQuery(list, *request, query, mark);
  if (!read.ok()) co_return read;
  absl::StatusOr<CataloguePtr> catalogue =
      co_await CatalogueOf(*who, request->shard(), request->version(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  absl::Status under = CheckUnder(**catalogue, query.under);
  if (!under.ok()) co_return under;
  const reference::Listed<Item> page = select(**catalogue, query);
  Response response;
  for (const Item* item : page.items) *(response.*items)()->Add() = *item;
  if (!page.last.empty())
    response.set_next_page_token(absl::WebSafeBase64Escape(absl::StrCat(mark, page.last)));
  response.set_version((*catalogue)->version());
  co_return response;
}

Task<absl::StatusOr<v1::ListAgenciesResponse>> Intake::ListAgencies(const Principal& who, Caller caller,
                                                                    const v1::ListAgenciesRequest& request) {
  ListQuery query;
  query.under = NormalAgencyId(request.under());
  query.level = request.level();
  return PageOf("agencies", &who, caller, &request, std::move(query), &reference::ListAgencies,
                &v1::ListAgenciesResponse::mutable_agencies);
}

Task<absl::StatusOr<v1::ListOfficersResponse>> Intake::ListOfficers(const Principal& who, Caller caller,
                                                                    const v1::ListOfficersRequest& request) {
  ListQuery query;
  query.under = NormalAgencyId(request.under());
  query.role = request.role();
  return PageOf("officers", &who, caller, &request, std::move(query), &reference::ListOfficers,
                &v1::ListOfficersResponse::mutable_officers);
}

Task<absl::StatusOr<v1::ListProceduresResponse>> Intake::ListProcedures(
    const Principal& who, Caller caller, const v1::ListProceduresRequest& request) {
  ListQuery query;
  query.sector = request.sector();
  query.level = request.receivable_at();
  return PageOf("procedures", &who, caller, &request, std::move(query), &reference::ListProcedures,
                &v1::ListProceduresResponse::mutable_procedures);
}

Task<absl::StatusOr<v1::ListCalendarsResponse>> Intake::ListCalendars(
    const Principal& who, Caller caller, const v1::ListCalendarsRequest& request) {
  return PageOf("calendars", &who, caller, &request, ListQuery(), &reference::ListCalendars,
                &v1::ListCalendarsResponse::mutable_calendars);
}

Task<absl::StatusOr<v1::GetAgencyResponse>> Intake::GetAgency(const Principal& who, Caller caller,
                                                              const v1::GetAgencyRequest& request) {
  const std::string id = NormalAgencyId(request.agency());
  absl::StatusOr<CataloguePtr> catalogue =
      co_await CatalogueOf(who, store::ShardOf(id), request.version(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  const reference::v1::Agency* agency = (*catalogue)->FindAgency(id);
  if (agency == nullptr) co_return errors::NotFound("UNKNOWN_AGENCY", "agency: is not of the jurisdiction");
  v1::GetAgencyResponse response;
  *response.mutable_agency() = *agency;
  co_return response;
}

Task<absl::StatusOr<v1::GetProcedureResponse>> Intake::GetProcedure(const Principal& who, Caller caller,
                                                                    const v1::GetProcedureRequest& request) {
  absl::StatusOr<CataloguePtr> catalogue =
      co_await CatalogueOf(who, request.shard(), request.version(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  absl::CivilDay day = (*catalogue)->DayOf(store_.clock().Now());
  if (!request.as_of().empty()) day = time::ParseDate(request.as_of()).value_or(day);
  const reference::v1::Procedure* procedure = (*catalogue)->ProcedureInForce(request.procedure(), day);
  if (procedure == nullptr)
    co_return errors::NotFound("UNKNOWN_PROCEDURE", "procedure: none is in force on that day");
  v1::GetProcedureResponse response;
  *response.mutable_procedure() = *procedure;
  co_return response;
}

Task<absl::StatusOr<v1::GetReferenceResponse>> Intake::GetReference(Caller caller,
                                                                    const v1::GetReferenceRequest& request) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  v1::GetReferenceResponse response;
  if (request.only_jurisdiction()) {
    response.mutable_set()->mutable_jurisdiction()->CopyFrom((*catalogue)->set().jurisdiction());
    response.mutable_set()->set_version((*catalogue)->version());
    co_return response;
  }
  if ((*catalogue)->bytes() > kMostInOneMessage) {
    co_return errors::FailedPrecondition("REFERENCE_TOO_LARGE",
                                         "the set does not fit in one message; use the lists");
  }
  *response.mutable_set() = (*catalogue)->set();
  co_return response;
}

Task<absl::StatusOr<v1::ListReferenceVersionsResponse>> Intake::ListReferenceVersions(
    const Principal& who, Caller caller, const v1::ListReferenceVersionsRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, request.shard());
  absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
  if (!state.ok()) co_return state.status();
  if (state->version() == 0) {
    co_return errors::NotFound("UNKNOWN_SHARD", "there is no reference data of this jurisdiction");
  }
  absl::StatusOr<OpenByVersion> open = co_await ReadOpen(store_, request.shard(), *state, caller.deadline);
  if (!open.ok()) co_return open.status();
  v1::ListReferenceVersionsResponse response;
  const auto add = [&](uint64_t number) -> v1::ReferenceVersion& {
    v1::ReferenceVersion& version = *response.add_versions();
    version.set_version(number);
    const auto found = open->find(number);
    if (found != open->end()) version.set_open_dossiers(found->second);
    return version;
  };
  const reference::v1::ReferenceManifest& manifest = state->record->manifest();
  v1::ReferenceVersion& current = add(manifest.version());
  *current.mutable_applied_at() = manifest.applied_at();
  current.set_pieces(static_cast<uint32_t>(manifest.pieces_size()));
  for (const reference::v1::PieceRef& piece : manifest.pieces())
    current.set_bytes(current.bytes() + piece.size());
  if (state->ledger == nullptr) co_return response;
  for (auto kept = state->ledger->kept().rbegin(); kept != state->ledger->kept().rend(); ++kept) {
    v1::ReferenceVersion& version = add(kept->version());
    *version.mutable_applied_at() = kept->applied_at();
    version.set_pieces(kept->pieces());
    version.set_bytes(kept->bytes());
  }
  response.set_retired_pieces(static_cast<uint32_t>(state->ledger->retired_size()));
  co_return response;
}

}  // namespace motcua::intake
