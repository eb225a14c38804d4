#include "clients/motcua/replay_runner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "clients/motcua/feed_scan.h"
#include "clients/motcua/progress.h"
#include "clients/motcua/replay_requests.h"
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

Service ServiceOf(ActionKind kind) {
  if (kind == ActionKind::kFile) return Service::kIntake;
  return kind == ActionKind::kChangeDue ? Service::kDeadlineMonitor : Service::kRouting;
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
      accepted_at_(plan.dossiers.size()),
      workers_(options_.in_flight) {
  clocks_.fill(absl::InfinitePast());
}

ReplayRunner::~ReplayRunner() {
  absl::MutexLock lock(&mutex_);
  if (acknowledged_ != nullptr) std::fclose(acknowledged_);
}

absl::Status ReplayRunner::Check() {
  intake::v1::GetStatisticsRequest request;
  request.set_shard(kReplayShard);
  intake::v1::GetStatisticsResponse known;
  absl::Status asked = session_.Ask(Service::kIntake, request, known);
  if (!asked.ok() && !absl::IsNotFound(asked)) return asked;
  const Settings& settings = session_.settings();
  const absl::Time begin = plan_.actions.front().at;
  for (Service service : kServices) {
    admin::v1::GetStatusResponse status;
    if (absl::Status told = session_.Ask(service, admin::v1::GetStatusRequest(), status); !told.ok())
      return told;
    const absl::Time now = time::FromTimestamp(status.now());
    if (!status.simulated_time()) {
      return errors::FailedPrecondition(
          "NOT_SIMULATED",
          absl::StrCat(
              client::NameOf(service),
              settings.Say(" chạy theo đồng hồ thật: phát lại cần giờ giả lập (--simulated_time)",
                           " runs on the system clock: a replay needs simulated time (--simulated_time)")));
    }
    // A log that was begun before goes on where it was.
    if (now <= begin || known.dossiers() > 0) continue;
    return absl::FailedPreconditionError(
        absl::Substitute(settings.Say("giờ giả lập của $0 đã là $1, nhật ký bắt đầu $2: thời gian không lùi "
                                      "lại; hãy khởi động hệ thống mới, "
                                      "với --simulated_start trước đó",
                                      "the simulated time of $0 is $1 already, and the log begins at $2: "
                                      "time does not go back; start a new "
                                      "system, with a --simulated_start before that"),
                         client::NameOf(service), absl::FormatTime(now, absl::UTCTimeZone()),
                         absl::FormatTime(begin, absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

absl::Status ReplayRunner::Run() {
  if (!options_.acknowledged.empty()) {
    absl::MutexLock lock(&mutex_);
    acknowledged_ = std::fopen(options_.acknowledged.c_str(), "a");
    if (acknowledged_ == nullptr)
      return absl::NotFoundError(absl::StrCat("cannot write ", options_.acknowledged));
  }
  if (absl::Status applied = ApplyReference(); !applied.ok())
    return errors::Prefixed(applied, "reference data");
  Progress progress(session_.settings().Say("Phát lại", "Replay"), plan_.actions.size(),
                    session_.settings().english);
  absl::Time day = absl::InfinitePast();
  Range moment(0, 0);
  while (moment.first < plan_.actions.size()) {
    const absl::Time at = plan_.actions[moment.first].at;
    while (moment.second < plan_.actions.size() && plan_.actions[moment.second].at == at) ++moment.second;
    if (at >= day + absl::Hours(24)) {
      day = at;
      // A registered end may lie behind the last activity; the figures are as of the latter.
      for (Service service : kServices) {
        if (absl::Status moved = MoveClock(service, std::min(day, plan_.now)); !moved.ok()) return moved;
      }
    }
    if (absl::Status acted = ActTogether(moment); !acted.ok()) return acted;
    progress.Show(moment.second, absl::FormatTime("%Y-%m-%d", at, absl::UTCTimeZone()));
    KeepPace(moment.second);
    moment.first = moment.second;
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
    if (const auto moved = Advance(service, plan_.now, /*wait=*/true); !moved.ok()) {
      return errors::Prefixed(moved.status(), absl::StrCat("waiting for ", client::NameOf(service)));
    }
  }
  // A watermark tells of what was before it: what came at that very moment is waited for by its position.
  // Each service is asked when those before it have told all.
  for (Service service : kServices) {
    if (absl::Status caught_up = CatchUp(service); !caught_up.ok()) {
      return errors::Prefixed(caught_up, absl::StrCat("waiting for ", client::NameOf(service)));
    }
  }
  return absl::OkStatus();
}

absl::Status ReplayRunner::CatchUp(Service service) {
  admin::v1::GetStatusResponse status;
  if (absl::Status asked = session_.AskOf(service, kReplayShard, admin::v1::GetStatusRequest(), status);
      !asked.ok())
    return asked;
  const absl::StatusOr<uint64_t> end = EndOfFeed(session_, service, kReplayShard);
  if (!end.ok()) return end.status();
  session_.NotePosition(service, kReplayShard, *end);
  return absl::OkStatus();
}

absl::Status ReplayRunner::ApplyReference() {
  intake::v1::ApplyReferenceRequest request;
  *request.mutable_set() = ReplayReference(plan_, names_);
  intake::v1::ApplyReferenceResponse response;
  absl::StatusOr<std::string> token = TokenOf("");
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.patience = options_.patience;
  return session_.connection().Call(Service::kIntake, request, response, options);
}

absl::StatusOr<std::string> ReplayRunner::TokenOf(const std::string& as) {
  absl::MutexLock lock(&mutex_);
  return session_.identity().TokenFor(as, kReplayShard);
}

absl::Status ReplayRunner::MoveClock(Service service, absl::Time to) {
  absl::Time& clock = clocks_[static_cast<size_t>(service)];
  if (clock >= to) return absl::OkStatus();
  const absl::StatusOr<absl::Time> moved = Advance(service, to, /*wait=*/false);
  if (moved.ok()) clock = *moved;
  return moved.status();
}

absl::StatusOr<absl::Time> ReplayRunner::Advance(Service service, absl::Time to, bool wait) {
  absl::StatusOr<std::string> token = TokenOf("");
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
  if (!moved.ok()) return moved;
  return time::FromTimestamp(response.now());
}

absl::Status ReplayRunner::Call(Service service, const google::protobuf::Message& request,
                                google::protobuf::Message& response, OfficerIndex officer, int dossier) {
  absl::StatusOr<std::string> token = TokenOf(
      absl::StrCat(names_.officers[officer], "@", names_.AgencyOf(plan_, officer), ":intake,handler"));
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.patience = options_.patience;
  if (service != Service::kIntake) {
    options.after = absl::StrCat("intake/", kReplayShard, "=", accepted_at_[dossier]);
  }
  // A service that was killed remembers its simulated time; telling it again costs little and needs no trust.
  const absl::Time at = clocks_[static_cast<size_t>(service)];
  options.before_retry = [this, service, at] { return Advance(service, at, /*wait=*/false).status(); };
  return session_.connection().Call(service, request, response, options);
}

absl::Status ReplayRunner::Check(Service service, const std::string& request_id,
                                 const common::v1::Written& written, absl::Time at) {
  {
    absl::MutexLock lock(&mutex_);
    session_.NotePosition(service, kReplayShard, written.feed_position());
    if (acknowledged_ != nullptr) {
      std::fprintf(acknowledged_,
                   "{\"request_id\":\"%s\",\"service\":\"%s\",\"subject\":\"%s\",\"version\":%llu,"
                   "\"feed_position\":%llu}\n",
                   request_id.c_str(), client::NameOf(service), written.subject().c_str(),
                   static_cast<unsigned long long>(written.version()),
                   static_cast<unsigned long long>(written.feed_position()));
      std::fflush(acknowledged_);
    }
  }
  const absl::Time took_effect = time::FromTimestamp(written.at());
  // The store keeps microseconds.
  if (absl::AbsDuration(took_effect - at) < absl::Microseconds(1)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("took effect at ",
                                          absl::FormatTime(took_effect, absl::UTCTimeZone()), ", not at ",
                                          absl::FormatTime(at, absl::UTCTimeZone())));
}

absl::Status ReplayRunner::ActTogether(Range moment) {
  bool needed[kServices.size()] = {};
  std::vector<Range> chains;
  for (size_t i = moment.first; i < moment.second; ++i) {
    const Action& action = plan_.actions[i];
    const Service service = ServiceOf(action.kind);
    needed[static_cast<size_t>(service)] = true;
    // The monitor changes a due date only when both feeds have told of everything up to its own time.
    if (service == Service::kDeadlineMonitor) {
      for (Service source : {Service::kIntake, Service::kRouting}) needed[static_cast<size_t>(source)] = true;
    }
    if (chains.empty() || plan_.actions[chains.back().first].dossier != action.dossier)
      chains.emplace_back(i, i);
    chains.back().second = i + 1;
  }
  for (Service service : kServices) {
    if (!needed[static_cast<size_t>(service)]) continue;
    if (absl::Status moved = MoveClock(service, plan_.actions[moment.first].at); !moved.ok()) return moved;
  }
  return workers_.RunAll(chains.size(), [&](size_t chain) { return ActInOrder(chains[chain]); });
}

absl::Status ReplayRunner::ActInOrder(Range actions) {
  for (size_t i = actions.first; i < actions.second; ++i) {
    const Action& action = plan_.actions[i];
    absl::Status acted = Act(action);
    if (acted.ok()) continue;
    return errors::Prefixed(
        acted,
        absl::StrCat(plan_.dossiers[action.dossier].name, " (", codes_[action.dossier], "), ",
                     NameOf(action.kind), " at ", absl::FormatTime(action.at, absl::UTCTimeZone()),
                     action.activity < 0 ? "" : absl::StrCat(", ", plan_.activities[action.activity].text)));
  }
  return absl::OkStatus();
}

absl::Status ReplayRunner::Act(const Action& action) {
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
  const intake::v1::FileRequest request = FilingOf(plan_, names_, action);
  intake::v1::FileResponse response;
  if (absl::Status filed = Call(Service::kIntake, request, response, action.officer, action.dossier);
      !filed.ok())
    return filed;
  codes_[action.dossier] = response.dossier().code();
  accepted_at_[action.dossier] = response.written().feed_position();
  return Check(Service::kIntake, request.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::ChangeDue(const Action& action) {
  const auto request = DueChangeOf(plan_, action, codes_[action.dossier]);
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
  routing::v1::AcceptHandOverResponse accepted;
  done = Call(Service::kRouting, accept, accepted, action.officer, action.dossier);
  if (!done.ok()) return done;
  return Check(Service::kRouting, accept.request_id(), accepted.written(), action.at);
}

absl::Status ReplayRunner::Work(const Action& action) {
  const auto request = WorkOf(plan_, action, codes_[action.dossier]);
  routing::v1::CompleteWorkResponse response;
  if (absl::Status done = Call(Service::kRouting, request, response, action.officer, action.dossier);
      !done.ok())
    return done;
  return Check(Service::kRouting, request.request_id(), response.written(), action.at);
}

absl::Status ReplayRunner::WorkAfterEnd(const Action& action) {
  const auto request = WorkOf(plan_, action, codes_[action.dossier]);
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
