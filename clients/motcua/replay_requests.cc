#include "clients/motcua/replay_requests.h"

#include "clients/motcua/text.h"
#include "common/time/timestamp.h"
#include "motcua/validate/v1/rules.pb.h"

namespace motcua::client {
namespace {

// Characters that the contract allows a field.
size_t MostCharacters(const google::protobuf::Descriptor* message, const char* field) {
  return message->FindFieldByName(field)->options().GetExtension(validate::v1::rules).max_length();
}

}  // namespace

intake::v1::FileRequest FilingOf(const Plan& plan, const ReplayNames& names, const Action& action) {
  const PlannedDossier& dossier = plan.dossiers[action.dossier];
  intake::v1::FileRequest request;
  request.set_request_id(absl::StrCat("replay/file/", KeyText(action.key)));
  request.set_receiving_agency(names.AgencyOf(plan, action.officer));
  request.set_procedure(kReplayProcedure);
  request.set_channel(names.channels[dossier.channel]);
  request.mutable_applicant()->set_name(
      FirstCharacters(absl::StrCat("Applicant of ", dossier.name),
                      MostCharacters(intake::v1::Applicant::descriptor(), "name")));
  request.set_subject(FirstCharacters(dossier.name, MostCharacters(request.GetDescriptor(), "subject")));
  *request.mutable_submitted_at() = time::ToTimestamp(dossier.received);
  request.set_accept(true);
  *request.mutable_counted_from() = time::ToTimestamp(dossier.started);
  return request;
}

deadline::v1::ChangeDueRequest DueChangeOf(const Plan& plan, const Action& action,
                                           const std::string& dossier) {
  auto request = RequestFor<deadline::v1::ChangeDueRequest>(action, "due", dossier);
  request.set_date(plan.dossiers[action.dossier].due);
  request.set_kind(feed::v1::DUE_CHANGE_KIND_AGREED);
  request.set_reason("registered deadline");
  return request;
}

routing::v1::CompleteWorkRequest WorkOf(const Plan& plan, const Action& action, const std::string& dossier) {
  auto request = RequestFor<routing::v1::CompleteWorkRequest>(action, "work", dossier);
  request.set_activity(plan.activities[action.activity].text);
  return request;
}

}  // namespace motcua::client
