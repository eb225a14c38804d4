#include "services/intake/domain/receipt/filing.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/text/text.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/promise/promise.h"
#include "services/intake/domain/receipt/acceptance.h"
#include "services/intake/domain/receipt/facts.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {
namespace {

using reference::Catalogue;
using store::Context;

// Officers of an agency that has ended are told which one continues its work, not that they may not.
absl::Status CheckFiler(const Context& context, Standing standing, const std::string& receiving_agency,
                        const Catalogue& catalogue) {
  if (context.actor.agency() == receiving_agency) return absl::OkStatus();
  return CheckReceiver(context, standing, receiving_agency, catalogue);
}

// Where and by what an application is filed, as far as it could be found out.
struct Place {
  const reference::v1::Agency* agency = nullptr;
  const reference::v1::Procedure* procedure = nullptr;
  std::string channel;
};

void CheckAgency(const std::string& id, absl::CivilDay day, const Catalogue& catalogue, Place& place,
                 Findings& findings) {
  place.agency = catalogue.FindAgency(id);
  if (place.agency == nullptr) {
    findings.Add("receiving_agency", "UNKNOWN_AGENCY", "is not an agency of the jurisdiction");
  } else if (!Catalogue::IsInForce(*place.agency, day)) {
    const reference::v1::Agency* in_charge = catalogue.AgencyInCharge(id, day);
    const bool continued = in_charge != place.agency && Catalogue::IsInForce(*in_charge, day);
    findings.Add("receiving_agency", "AGENCY_INACTIVE",
                 continued
                     ? absl::StrCat("is not at work on this day; its work is continued by ", in_charge->id())
                     : "is not at work on this day");
  }
}

void CheckProcedure(const std::string& code, absl::CivilDay day, const Catalogue& catalogue, Place& place,
                    Findings& findings) {
  place.procedure = catalogue.ProcedureInForce(code, day);
  if (place.procedure == nullptr) {
    if (catalogue.HasProcedure(code)) {
      findings.Add("procedure", "PROCEDURE_NOT_IN_FORCE", "is not in force on this day");
    } else {
      findings.Add("procedure", "UNKNOWN_PROCEDURE", "is not a procedure of the jurisdiction");
    }
    return;
  }
  const auto& levels = place.procedure->receivable_at();
  if (place.agency == nullptr || levels.empty()) return;
  if (std::find(levels.begin(), levels.end(), static_cast<int>(place.agency->level())) == levels.end()) {
    findings.Add("receiving_agency", "NOT_RECEIVABLE_HERE",
                 "an agency of this level may not receive the procedure");
  }
}

// The channel of the request, or the first direct one.
void CheckChannel(const std::string& channel, const Catalogue& catalogue, Place& place, Findings& findings) {
  place.channel = channel;
  if (channel.empty()) {
    const auto& channels = catalogue.set().jurisdiction().channels();
    if (channels.empty()) place.channel = "direct";
    for (const reference::v1::ReceiptChannel& known : channels) {
      if (place.channel.empty() && known.kind() == common::v1::CHANNEL_KIND_DIRECT)
        place.channel = known.id();
    }
  }
  if (catalogue.ChannelKindOf(place.channel) == common::v1::CHANNEL_KIND_UNSPECIFIED) {
    findings.Add("channel", "UNKNOWN_CHANNEL", "is not a channel of the jurisdiction");
  }
}

void CheckComponents(const v1::FileRequest& request, const Place& place, Findings& findings) {
  absl::flat_hash_set<std::string> named;
  for (int i = 0; i < request.components_size(); ++i) {
    if (!named.insert(text::Normal(request.components(i).name())).second) {
      findings.Add(absl::StrCat("components[", i, "].name"), "COMPONENT_REPEATED",
                   "is named twice; state the count");
    }
  }
  if (!request.accept() || named.empty() || place.procedure == nullptr) return;
  for (const std::string& required : place.procedure->components()) {
    if (!named.contains(text::Normal(required))) {
      findings.Add("components", "COMPONENT_MISSING", absl::StrCat("the procedure asks for: ", required));
    }
  }
}

void CheckTimes(const v1::FileRequest& request, const Context& context, Findings& findings) {
  if (request.has_submitted_at() && time::FromTimestamp(request.submitted_at()) > context.now) {
    findings.Add("submitted_at", "IN_THE_FUTURE", "must not be in the future");
  }
  if (request.has_counted_from() && !request.accept()) {
    findings.Add("counted_from", "FIELD_NOT_ALLOWED", "goes only with accept");
  }
}

std::optional<absl::Time> CountedFrom(const v1::FileRequest& request) {
  if (!request.has_counted_from()) return std::nullopt;
  return time::FromTimestamp(request.counted_from());
}

Place CheckAll(const v1::FileRequest& request, const Context& context, const Catalogue& catalogue,
               Promise& promise, Findings& findings) {
  const absl::CivilDay day = catalogue.DayOf(context.now);
  Place place;
  CheckAgency(NormalAgencyId(request.receiving_agency()), day, catalogue, place, findings);
  CheckProcedure(request.procedure(), day, catalogue, place, findings);
  CheckChannel(request.channel(), catalogue, place, findings);
  CheckComponents(request, place, findings);
  const std::string& language = request.applicant().language();
  if (!language.empty() && language != "vi" && language != "en") {
    findings.Add("applicant.language", "FIELD_UNKNOWN_VALUE", "must be vi or en");
  }
  CheckTimes(request, context, findings);
  if (request.accept() && place.agency != nullptr && place.procedure != nullptr) {
    promise = PlanPromise(catalogue, *place.procedure, place.agency->id(), context.now, CountedFrom(request),
                          findings);
  }
  return place;
}

v1::Dossier NewDossier(const v1::FileRequest& request, std::string_view code, const Context& context,
                       const Catalogue& catalogue, const Place& place) {
  v1::Dossier dossier;
  dossier.set_code(std::string(code));
  dossier.set_status(common::v1::DOSSIER_STATUS_NEW);
  dossier.set_procedure(request.procedure());
  PinReference(catalogue, dossier);
  dossier.set_receiving_agency(place.agency->id());
  dossier.set_channel(place.channel);
  *dossier.mutable_applicant() = request.applicant();
  dossier.set_subject(request.subject());
  *dossier.mutable_components() = request.components();
  for (v1::Component& component : *dossier.mutable_components()) {
    if (component.count() == 0) component.set_count(1);
  }
  *dossier.mutable_code_issued_at() = time::ToTimestamp(context.now);
  if (request.has_submitted_at()) *dossier.mutable_submitted_at() = request.submitted_at();
  return dossier;
}

}  // namespace

absl::Status CheckFiling(const v1::FileRequest& request, const Context& context, const Catalogue& catalogue,
                         Standing standing) {
  absl::Status allowed = CheckFiler(context, standing, NormalAgencyId(request.receiving_agency()), catalogue);
  if (!allowed.ok()) return allowed;
  Findings findings;
  Promise promise;
  CheckAll(request, context, catalogue, promise, findings);
  return findings.ToStatus();
}

absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideFile(
    const v1::FileRequest& request, std::string_view code, std::string_view secret, const Context& context,
    const Catalogue& catalogue, Standing standing) {
  absl::Status allowed = CheckFiler(context, standing, NormalAgencyId(request.receiving_agency()), catalogue);
  if (!allowed.ok()) return allowed;
  Findings findings;
  Promise promise;
  const Place place = CheckAll(request, context, catalogue, promise, findings);
  if (!findings.empty()) return findings.ToStatus();

  internal::intake::DossierRecord record;
  *record.mutable_dossier() = NewDossier(request, code, context, catalogue, place);
  record.set_secret(std::string(secret));
  store::Decision<internal::intake::DossierRecord> decision(std::move(record));
  if (request.accept()) {
    Accept(*place.procedure, promise, context, catalogue, decision);
    return decision;
  }
  const v1::Dossier& dossier = decision.record.dossier();
  feed::v1::Event event = store::NewEvent(context, code);
  feed::v1::DossierFiled& filed = *event.mutable_dossier_filed();
  filed.set_procedure(dossier.procedure());
  filed.set_receiving_agency(dossier.receiving_agency());
  filed.set_channel(dossier.channel());
  *filed.mutable_applicant() = ContactOf(dossier);
  decision.events.push_back(std::move(event));
  decision.history.push_back(LineOf(context, "DossierFiled", dossier, ""));
  return decision;
}

}  // namespace motcua::intake
