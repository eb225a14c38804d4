#include "clients/motcua/replay_runner.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/motcua/progress.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

const char* NameOf(ActionKind kind) {
  switch (kind) {
    case ActionKind::kFile:
      return "file";
    case ActionKind::kChangeDue:
      return "change-due";
    case ActionKind::kHandOver:
      return "hand-over";
    case ActionKind::kWork:
      return "work";
    case ActionKind::kWorkAfterEnd:
      return "work-after-end";
    case ActionKind::kFinish:
      return "finish";
  }
  return "";
}

template <class Request>
Request RequestFor(const Action& action, const char* step, const std::string& dossier) {
  Request request;
  request.set_request_id(absl::StrCat("replay/", step, "/", action.key));
  request.set_dossier(dossier);
  return request;
}

}  // namespace

ReplayRunner::ReplayRunner(Session& session, const Plan& plan, const ReplayNames& names,
                           ReplayOptions options)
    : session_(session),
      plan_(plan),
      names_(names),
      options_(std::move(options)),
      begun_(absl::Now()),
      codes_(plan.dossiers.size()),
      accepted_at_(plan.dossiers.size()) {
  clocks_.fill(absl::InfinitePast());
}

ReplayRunner::~ReplayRunner() {
  if (acknowledged_ != nullptr) std::fclose(acknowledged_);
}

absl::Status ReplayRunner::Run() {
  if (!options_.acknowledged.empty()) {
    acknowledged_ = std::fopen(options_.acknowledged.c_str(), "a");
    if (acknowledged_ == nullptr)
      return absl::NotFoundError(absl::StrCat("cannot write ", options_.acknowledged));
  }
  if (absl::Status applied = ApplyReference(); !applied.ok())
    return errors::Prefixed(applied, "reference data");
  Progress progress(session_.settings().Say("Phát lại", "Replay"), plan_.actions.size());
  absl::Time day = absl::InfinitePast();
  for (size_t i = 0; i < plan_.actions.size(); ++i) {
    const Action& action = plan_.actions[i];
    if (action.at >= day + absl::Hours(24)) {
      day = action.at;
      // A registered end may lie behind the last activity; the figures are as of the latter.
      for (Service service : kServices) {
        if (absl::Status moved = MoveClock(service, std::min(day, plan_.now), /*wait=*/false); !moved.ok())
          return moved;
      }
    }
    if (absl::Status acted = Act(action); !acted.ok()) {
      return errors::Prefixed(
          acted, absl::StrCat(plan_.dossiers[action.dossier].name, " (", codes_[action.dossier], "), ",
                              NameOf(action.kind), " at ", absl::FormatTime(action.at, absl::UTCTimeZone()),
                              action.activity.empty() ? "" : ", ", action.activity));
    }
    progress.Show(i + 1, absl::FormatTime("%Y-%m-%d", action.at, absl::UTCTimeZone()));
    KeepPace(i + 1);
  }
  return absl::OkStatus();
}

void ReplayRunner::KeepPace(size_t done) {
  if (options_.rate <= 0) return;
  const absl::Time due = begun_ + absl::Seconds(static_cast<double>(done) / options_.rate);
  if (const absl::Duration early = due - absl::Now(); early > absl::ZeroDuration()) absl::SleepFor(early);
}

absl::Status ReplayRunner::Settle() {
  for (Service service : kServices) {
    if (absl::Status moved = MoveClock(service, plan_.now, /*wait=*/true); !moved.ok()) {
      return errors::Prefixed(moved, absl::StrCat("waiting for ", client::NameOf(service)));
    }
  }
  return absl::OkStatus();
}

absl::Status ReplayRunner::ApplyReference() {
  intake::v1::ApplyReferenceRequest request;
  *request.mutable_set() = ReplayReference(plan_, names_);
  intake::v1::ApplyReferenceResponse response;
  absl::StatusOr<std::string> token = session_.identity().TokenFor("", kReplayShard);
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.patience = options_.patience;
  return session_.connection().Call(Service::kIntake, request, response, options);
}

absl::Status ReplayRunner::MoveClock(Service service, absl::Time to, bool wait) {
  absl::Time& clock = clocks_[static_cast<size_t>(service)];
  if (!wait && clock >= to) return absl::OkStatus();
  absl::StatusOr<std::string> token = session_.identity().TokenFor("", kReplayShard);
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.patience = options_.patience;
  if (wait) options.timeout = absl::Minutes(5);
  admin::v1::AdvanceRequest request;
  *request.mutable_to() = time::ToTimestamp(to);
  request.set_no_wait(!wait);
  admin::v1::AdvanceResponse response;
  absl::Status moved = session_.connection().Call(service, request, response, options);
  if (moved.ok()) clock = time::FromTimestamp(response.now());
  return moved;
}

absl::Status ReplayRunner::Call(Service service, const google::protobuf::Message& request,
                                google::protobuf::Message& response, OfficerIndex officer, int dossier) {
  absl::StatusOr<std::string> token = session_.identity().TokenFor(
      absl::StrCat(names_.officers[officer], "@", names_.AgencyOf(plan_, officer), ":intake,handler"),
      kReplayShard);
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.patience = options_.patience;
  if (service != Service::kIntake) {
    options.after = absl::StrCat("intake/", kReplayShard, "=", accepted_at_[dossier]);
  }
  // A service that was killed remembers its simulated time; telling it again costs little and needs no trust.
  const absl::Time at = clocks_[static_cast<size_t>(service)];
  options.before_retry = [this, service, at] {
    clocks_[static_cast<size_t>(service)] = absl::InfinitePast();
    return MoveClock(service, at, /*wait=*/false);
  };
  return session_.connection().Call(service, request, response, options);
}

absl::Status ReplayRunner::Check(Service service, const std::string& request_id,
                                 const common::v1::Written& written, absl::Time at) {
  if (acknowledged_ != nullptr) {
    std::fprintf(acknowledged_,
                 "{\"request_id\":\"%s\",\"service\":\"%s\",\"subject\":\"%s\",\"version\":%llu,\"feed_"
                 "position\":%llu}\n",
                 request_id.c_str(), client::NameOf(service), written.subject().c_str(),
                 static_cast<unsigned long long>(written.version()),
                 static_cast<unsigned long long>(written.feed_position()));
    std::fflush(acknowledged_);
  }
  const absl::Time took_effect = time::FromTimestamp(written.at());
  // The store keeps microseconds.
  if (absl::AbsDuration(took_effect - at) < absl::Microseconds(1)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("took effect at ",
                                          absl::FormatTime(took_effect, absl::UTCTimeZone()), ", not at ",
                                          absl::FormatTime(at, absl::UTCTimeZone())));
}

absl::Status ReplayRunner::Act(const Action& action) {
  const Service service = action.kind == ActionKind::kFile        ? Service::kIntake
                          : action.kind == ActionKind::kChangeDue ? Service::kDeadlineMonitor
                                                                  : Service::kRouting;
  // The monitor changes a due date only when both feeds have told of everything up to its own time.
  for (Service source : kServices) {
    const bool needed = source == service || (service == Service::kDeadlineMonitor && source < service);
    if (!needed) continue;
    if (absl::Status moved = MoveClock(source, action.at, /*wait=*/false); !moved.ok()) return moved;
  }
  switch (action.kind) {
    case ActionKind::kFile:
      return File(action);
    case ActionKind::kChangeDue:
      return ChangeDue(action);
    case ActionKind::kHandOver:
      return HandOver(action);
    case ActionKind::kWork:
      return Work(action);
    case ActionKind::kWorkAfterEnd:
      return WorkAfterEnd(action);
    case ActionKind::kFinish:
      return Finish(action);
  }
  return absl::OkStatus();
}

absl::Status ReplayRunner::File(const Action& action) {
  const PlannedDossier& dossier = plan_.dossiers[action.dossier];
  intake::v1::FileRequest request;
  request.set_request_id(absl::StrCat("replay/file/", action.key));
  request.set_receiving_agency(names_.AgencyOf(plan_, action.officer));
  request.set_procedure(kReplayProcedure);
  for (size_t i = 0; i < plan_.channels.size(); ++i) {
    if (plan_.channels[i] == dossier.channel) request.set_channel(names_.channels[i]);
  }
  request.mutable_applicant()->set_name(absl::StrCat("Applicant of ", dossier.name.substr(0, 100)));
  request.set_subject(dossier.name.substr(0, 500));
  *request.mutable_submitted_at() = time::ToTimestamp(dossier.received);
  request.set_accept(true);
  *request.mutable_counted_from() = time::ToTimestamp(dossier.started);
  intake::v1::FileResponse response;
  if (absl::Status filed = Call(Service::kIntake, request, response, action.officer, action.dossier);
      !filed.ok())
    return filed;
  codes_[action.dossier] = response.dossier().code();
  accepted_at_[action.dossier] = response.written().feed_position();
  return Check(Service::kIntake, request.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::ChangeDue(const Action& action) {
  auto request = RequestFor<deadline::v1::ChangeDueRequest>(action, "due", codes_[action.dossier]);
  request.set_date(plan_.dossiers[action.dossier].due);
  request.set_kind(feed::v1::DUE_CHANGE_KIND_AGREED);
  request.set_reason("registered deadline");
  deadline::v1::ChangeDueResponse response;
  absl::Status changed = Call(Service::kDeadlineMonitor, request, response, action.officer, action.dossier);
  if (!changed.ok()) return changed;
  return Check(Service::kDeadlineMonitor, request.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::HandOver(const Action& action) {
  auto offer = RequestFor<routing::v1::OfferHandOverRequest>(action, "offer", codes_[action.dossier]);
  offer.set_receiver(names_.AgencyOf(plan_, action.officer));
  routing::v1::OfferHandOverResponse response;
  absl::Status done = Call(Service::kRouting, offer, response, action.giver, action.dossier);
  if (done.ok()) done = Check(Service::kRouting, offer.request_id(), response.written(), action.at);
  if (!done.ok()) return done;
  auto accept = RequestFor<routing::v1::AcceptHandOverRequest>(action, "take", codes_[action.dossier]);
  done = Call(Service::kRouting, accept, response, action.officer, action.dossier);
  if (!done.ok()) return done;
  return Check(Service::kRouting, accept.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::Work(const Action& action) {
  auto request = RequestFor<routing::v1::CompleteWorkRequest>(action, "work", codes_[action.dossier]);
  request.set_activity(action.activity);
  routing::v1::CompleteWorkResponse response;
  if (absl::Status done = Call(Service::kRouting, request, response, action.officer, action.dossier);
      !done.ok())
    return done;
  return Check(Service::kRouting, request.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::WorkAfterEnd(const Action& action) {
  auto request = RequestFor<routing::v1::CompleteWorkRequest>(action, "work", codes_[action.dossier]);
  request.set_activity(action.activity);
  routing::v1::CompleteWorkResponse response;
  absl::Status refused = Call(Service::kRouting, request, response, action.officer, action.dossier);
  if (refused.ok()) return absl::InternalError("work after the end was not refused");
  if (absl::IsFailedPrecondition(refused) && errors::Reason(refused) == "DOSSIER_ENDED")
    return absl::OkStatus();
  return refused;
}

absl::Status ReplayRunner::Finish(const Action& action) {
  auto request = RequestFor<routing::v1::FinishRequest>(action, "finish", codes_[action.dossier]);
  request.set_outcome(feed::v1::OUTCOME_APPROVED);
  routing::v1::FinishResponse response;
  if (absl::Status done = Call(Service::kRouting, request, response, action.officer, action.dossier);
      !done.ok())
    return done;
  return Check(Service::kRouting, request.request_id(), response.written(), action.at);
}

}  // namespace motcua::client
