#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"

namespace motcua::store {

// The smallest thing with a state, indexes, counters, events and a history: an account, kept in a RouteRecord whose
// `work_done` is the balance and whose `holder` names the box it is listed in.
struct Ledger {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";

  static void IndexesOf(const Record& record, IndexSink& indexes) {
    indexes.Add("box:", record.route().holder(), record.route().dossier(),
                static_cast<double>(record.route().work_done()));
  }
  static void CountersOf(const Record& record, CounterSink& counters) {
    counters.Add("accounts", 1);
    counters.Add("sum", record.route().work_done());
    counters.Add("in:", record.route().holder(), 1);
  }

  // Adds to the balance and lists the account in `box`; refuses to pass 1000.
  static absl::StatusOr<Decision<Record>> Add(const Record* record, const Context& context, const std::string& id,
                                              uint32_t amount, const std::string& box) {
    Decision<Record> decision(record == nullptr ? Record() : *record);
    routing::v1::Route& route = *decision.record.mutable_route();
    if (route.work_done() + amount > 1000) return errors::FailedPrecondition("TOO_MUCH", "no more than 1000");
    route.set_dossier(id);
    route.set_work_done(route.work_done() + amount);
    route.set_holder(box);
    feed::v1::Event event = NewEvent(context, id);
    event.mutable_work_completed()->set_activity(absl::StrCat(amount));
    decision.events.push_back(event);
    common::v1::HistoryEntry line;
    *line.mutable_at() = event.at();
    line.set_action("Added");
    line.set_note(absl::StrCat(amount));
    decision.history.push_back(line);
    return decision;
  }
};

}  // namespace motcua::store
