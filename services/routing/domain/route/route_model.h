// What the store must know of a route: its kind, the inboxes it is listed in, the figures it contributes.
//
// Pure and thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/store/decision.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::routing {

// The index behind a box of an agency's inbox; of HELD for UNSPECIFIED. Members are dossier codes. Names are
// short because every open dossier pays for its entries.
//   h:<agency>  held and at work      o:<agency>  offered to it
//   w:<agency>  held, supplement due  c:<agency>  consulted, not answered
std::string InboxIndex(v1::Box box, std::string_view agency);

// Whether the route stands in that box of the agency: whether IndexesOf lists it there.
bool IsListedIn(const v1::Route& route, v1::Box box, std::string_view agency);

// Names of the counters.
inline constexpr std::string_view kRoutes = "routes";
inline constexpr std::string_view kOpen = "open";
inline constexpr std::string_view kEnded = "ended";
inline constexpr std::string_view kHandOvers = "hand_overs";
inline constexpr std::string_view kWorkDone = "work_done";
inline constexpr std::string_view kWorkRefused = "work_refused";
inline constexpr std::string_view kSuccessions = "successions";

// Score of a dossier that has no due date: after all that have one. Microseconds, exact as a double.
inline constexpr double kNoDueScore = 9e15;

class RouteModel {
 public:
  using Record = internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";

  // An open dossier is in exactly one of its holder's boxes HELD and WAITING, and in one OFFERED or CONSULTED
  // box for each agency with an open offer or consultation; an ended one in none. Scored by the promised
  // date: the most urgent first.
  static void IndexesOf(const Record& record, store::IndexSink& indexes);
  static void CountersOf(const Record& record, store::CounterSink& counters);
};

}  // namespace motcua::routing
