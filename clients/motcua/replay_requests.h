// The calls that a planned action is made of; the services' own rules are checked on them before any is made.
//
// Pure and thread-safe.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "clients/motcua/replay_plan.h"
#include "clients/motcua/replay_reference.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {

// Of a call about a dossier that has a code; `step` tells an action's calls apart.
template <class Request>
Request RequestFor(const Action& action, const char* step, const std::string& dossier) {
  Request request;
  request.set_request_id(absl::StrCat("replay/", step, "/", KeyText(action.key)));
  request.set_dossier(dossier);
  return request;
}

// The dossier's name is its subject and part of its applicant's name, as much of it as these may have.
intake::v1::FileRequest FilingOf(const Plan& plan, const ReplayNames& names, const Action& action);
deadline::v1::ChangeDueRequest DueChangeOf(const Plan& plan, const Action& action,
                                           const std::string& dossier);
routing::v1::CompleteWorkRequest WorkOf(const Plan& plan, const Action& action, const std::string& dossier);

}  // namespace motcua::client
