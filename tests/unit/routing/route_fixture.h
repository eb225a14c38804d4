// Agencies, people and routes that the tests of routing speak of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

inline constexpr char kCode[] = "H30.18.05-260714-0001";
inline constexpr char kDesk[] = "H30.18.05";     // receives
inline constexpr char kDistrict[] = "H30.18";    // decides
inline constexpr char kTax[] = "H30.18.TH";
inline constexpr char kPolice[] = "H30.18.CA";
inline constexpr char kClosed[] = "H30.18.99";   // existed until 2020
inline constexpr char kNowhere[] = "H30.77.77";  // in no catalogue

// The sample reference data and kClosed.
const reference::Catalogue& Catalogue();

// An agency that ends, and who continues its work; nobody where `successor` is empty.
struct End {
  std::string agency;
  std::string until;
  std::string successor;
};

// Agencies of another province, in the catalogues of CatalogueWith.
inline constexpr char kCommuneOfH13[] = "H13.01";
inline constexpr char kWardOfH13[] = "H13.02";

// The same where these agencies end. The two of H13 have an officer each, named like all others.
std::shared_ptr<const reference::Catalogue> CatalogueWith(const std::vector<End>& ends);

// The moment of receipt, and `minutes` after it.
absl::Time At(int minutes = 0);

// An officer of the agency, acting at At(minutes).
store::Context By(const std::string& agency, int minutes);

// The acceptance of kCode, received by kDesk at At(), with one planned leg for each agency.
feed::v1::Event Accepted(const std::vector<std::string>& legs);

// The record of a route that has just been opened.
internal::routing::RouteRecord Opened(const std::vector<std::string>& legs);

// The record after a decision that must succeed, its history counted as the store does.
internal::routing::RouteRecord After(const internal::routing::RouteRecord& before,
                                     absl::StatusOr<RouteDecision> decision);

// Requests of this dossier.
template <class Request>
Request For() {
  Request request;
  request.set_request_id("request-1");
  request.set_dossier(kCode);
  return request;
}

}  // namespace motcua::routing
