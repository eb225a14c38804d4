#include "tests/bench/load.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::bench {

namespace {

// Of an administrator, who belongs to no agency.
constexpr char kEverywhere[] = "";

using async::Task;
using common::v1::Written;

reference::v1::Agency* AddAgency(reference::v1::ReferenceSet& set, const std::string& id,
                                 const std::string& parent, reference::v1::Level level) {
  reference::v1::Agency* agency = set.add_agencies();
  agency->set_id(id);
  agency->set_name("Agency " + id);
  agency->set_parent(parent);
  agency->set_level(level);
  agency->set_kind("office");
  reference::v1::Officer* officer = set.add_officers();
  officer->set_id(id + "-officer");
  officer->set_name("Officer of " + id);
  officer->set_agency(id);
  for (const char* role : {"intake", "handler", "leader", "returner"}) officer->add_roles(role);
  return agency;
}

std::map<std::string, uint64_t> EndsOf(const std::map<std::string, admin::v1::GetStatusResponse>& states,
                                       const std::string& shard) {
  std::map<std::string, uint64_t> ends;
  for (const auto& [name, state] : states) {
    for (const admin::v1::FeedStatus& feed : state.feeds()) {
      if (feed.shard() == shard) ends[name] = feed.position();
    }
  }
  return ends;
}

void SetDays(common::v1::Limit* limit, uint32_t days) {
  limit->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  limit->set_tenths(days * 10);
}

}  // namespace

reference::v1::ReferenceSet BenchReference(const std::string& shard) {
  // The agencies are those of kShard, moved.
  auto moved = [&shard](std::string_view agency) { return shard + std::string(agency.substr(shard.size())); };
  reference::v1::ReferenceSet set;
  set.mutable_jurisdiction()->set_id(shard);
  set.mutable_jurisdiction()->set_name("Benchmark");
  set.mutable_jurisdiction()->set_time_zone("Asia/Ho_Chi_Minh");
  set.mutable_jurisdiction()->set_default_calendar("plain");
  reference::v1::Calendar* calendar = set.add_calendars();
  calendar->set_id("plain");
  calendar->set_name("Monday to Friday");
  for (uint32_t weekday = 1; weekday <= 5; ++weekday) {
    reference::v1::WeekdaySessions* day = calendar->add_week();
    day->set_weekday(weekday);
    day->add_sessions("07:00-11:30");
    day->add_sessions("13:30-17:00");
  }
  reference::v1::Calendar* always = set.add_calendars();
  always->set_id("always");
  always->set_name("Day and night");
  for (uint32_t weekday = 1; weekday <= 7; ++weekday) {
    reference::v1::WeekdaySessions* day = always->add_week();
    day->set_weekday(weekday);
    day->add_sessions("00:00-24:00");
  }
  AddAgency(set, shard, "", reference::v1::LEVEL_PROVINCE);
  AddAgency(set, moved(kCommune), shard, reference::v1::LEVEL_COMMUNE);
  AddAgency(set, moved(kDistrict), shard, reference::v1::LEVEL_DISTRICT);
  AddAgency(set, moved(kRegistry), shard, reference::v1::LEVEL_DISTRICT);
  AddAgency(set, moved(kNight), shard, reference::v1::LEVEL_COMMUNE)->set_calendar("always");
  for (const char* code : {kOneLeg, kFourLegs, kSixMinutes}) {
    reference::v1::Procedure* procedure = set.add_procedures();
    procedure->set_code(code);
    procedure->set_name("Benchmark procedure");
    SetDays(procedure->mutable_limit(), 10);
    procedure->set_competent("@receiving");
  }
  reference::v1::Procedure* four = set.mutable_procedures(1);
  int number = 0;
  for (const char* agency : {kCommune, kDistrict, kRegistry, kCommune}) {
    reference::v1::RouteLeg* leg = four->add_legs();
    leg->set_id(absl::StrCat("leg-", ++number));
    leg->set_name("Step");
    leg->set_agency(moved(agency));
    SetDays(leg->mutable_limit(), 2);
  }
  // Counted from a moment before the receipt, so that all of a storm fall due together. The term of the leg
  // counts from the receipt: its clock runs out minutes later.
  reference::v1::Procedure* six_minutes = set.mutable_procedures(2);
  six_minutes->mutable_limit()->set_unit(common::v1::LIMIT_UNIT_WORKING_HOURS);
  six_minutes->mutable_limit()->set_tenths(1);
  six_minutes->set_cutoff_policy(reference::v1::CUTOFF_POLICY_NONE);
  six_minutes->set_counted_from_window_days(1);
  return set;
}

const char* NameOf(Service service) {
  switch (service) {
    case Service::kIntake:
      return "intake";
    case Service::kRouting:
      return "routing";
    case Service::kDeadlineMonitor:
      return "deadline-monitor";
    case Service::kNotification:
      return "notification";
  }
  return "";
}

System::System(rpc::Loop& loop, const auth::JwtSigner& signer, const Channels& channels)
    : loop_(loop), run_(absl::StrCat("bench-", absl::ToUnixMicros(absl::Now()), "-", getpid(), "-")) {
  for (const char* agency : {kEverywhere, kShard, kCommune, kDistrict, kRegistry, kNight}) {
    std::vector<std::string> roles = {"intake", "handler", "leader", "returner", "admin"};
    const bool everywhere = agency == std::string_view(kEverywhere);
    auth::Principal caller(everywhere ? auth::Kind::kSystem : auth::Kind::kOfficer,
                           absl::StrCat(agency, "-officer"), agency, std::move(roles));
    const std::string token = signer.Mint(caller, absl::Now(), absl::Hours(12)).value();
    for (const auto& [service, channel] : channels) {
      clients_.emplace(std::make_pair(service, std::string_view(agency)), rpc::Client(loop, channel, token));
    }
  }
}

std::string System::NextRequestId() { return absl::StrCat(run_, ++requests_); }

template <class Response, class Request>
Task<absl::StatusOr<Response>> System::Ask(Service service, const char* agency, Request request,
                                           const char* after_service, uint64_t after) {
  rpc::CallOptions options;
  options.deadline = deadline_;
  if (after != 0) options.after.emplace_back(after_service, kShard, after);
  rpc::Client& client = clients_.find(std::make_pair(service, std::string_view(agency)))->second;
  auto call = client.CallRetrying<Response>(std::move(request), std::move(options));
  absl::StatusOr<Response> response = co_await std::move(call);
  co_return response;
}

Task<absl::Status> System::Prepare(std::string shard) {
  SetNow(absl::Now());
  intake::v1::ApplyReferenceRequest request;
  *request.mutable_set() = BenchReference(shard);
  auto apply = Ask<intake::v1::ApplyReferenceResponse>(Service::kIntake, kEverywhere, std::move(request));
  absl::StatusOr<intake::v1::ApplyReferenceResponse> applied = co_await std::move(apply);
  if (!applied.ok()) co_return applied.status();
  co_return co_await CaughtUp(std::move(shard), absl::Seconds(20));
}

intake::v1::FileRequest System::NewFiling(const char* agency, const char* procedure) {
  intake::v1::FileRequest request;
  request.set_request_id(NextRequestId());
  request.set_receiving_agency(agency);
  request.set_procedure(procedure);
  request.mutable_applicant()->set_name("Nguyễn Văn An");
  request.mutable_applicant()->set_id_number("093201001234");
  request.mutable_applicant()->set_phone("0901234567");
  request.mutable_applicant()->set_address("Ấp 3, xã Tân Bình, huyện Phụng Hiệp");
  request.set_subject("Đề nghị cấp giấy xác nhận");
  request.set_accept(true);
  return request;
}

Task<absl::StatusOr<Written>> System::FileAndAccept(const char* procedure) {
  auto call = Ask<intake::v1::FileResponse>(Service::kIntake, kCommune, NewFiling(kCommune, procedure));
  absl::StatusOr<intake::v1::FileResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  co_return std::move(*response->mutable_written());
}

Task<absl::Status> System::FileSixMinutes(absl::Time counted_from, Codes* codes) {
  intake::v1::FileRequest request = NewFiling(kNight, kSixMinutes);
  *request.mutable_counted_from() = time::ToTimestamp(counted_from);
  auto call = Ask<intake::v1::FileResponse>(Service::kIntake, kNight, std::move(request));
  absl::StatusOr<intake::v1::FileResponse> response = co_await std::move(call);
  if (response.ok()) codes->Add(response->written().subject());
  co_return response.status();
}

Task<absl::Status> System::FileOne(Codes* codes) {
  absl::StatusOr<Written> filed = co_await FileAndAccept(kOneLeg);
  if (filed.ok() && codes != nullptr) codes->Add(filed->subject());
  co_return filed.status();
}

Task<absl::Status> System::Assign(std::string dossier, uint64_t after) {
  routing::v1::AssignRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_officer(std::string(kCommune) + "-officer");
  auto call =
      Ask<routing::v1::AssignResponse>(Service::kRouting, kCommune, std::move(request), "intake", after);
  absl::StatusOr<routing::v1::AssignResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::Work(std::string dossier) {
  routing::v1::CompleteWorkRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_activity("Thẩm định hồ sơ");
  auto call = Ask<routing::v1::CompleteWorkResponse>(Service::kRouting, kCommune, std::move(request));
  absl::StatusOr<routing::v1::CompleteWorkResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::StatusOr<Written>> System::Finish(std::string dossier) {
  routing::v1::FinishRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_outcome(feed::v1::OUTCOME_APPROVED);
  auto call = Ask<routing::v1::FinishResponse>(Service::kRouting, kCommune, std::move(request));
  absl::StatusOr<routing::v1::FinishResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  co_return std::move(*response->mutable_written());
}

Task<absl::Status> System::Get(std::string dossier) {
  intake::v1::GetDossierRequest request;
  request.set_dossier(dossier);
  auto call = Ask<intake::v1::GetDossierResponse>(Service::kIntake, kCommune, std::move(request));
  absl::StatusOr<intake::v1::GetDossierResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::HandOver(std::string dossier, const char* from, const char* to, uint64_t after) {
  routing::v1::OfferHandOverRequest offer;
  offer.set_request_id(NextRequestId());
  offer.set_dossier(dossier);
  auto offering =
      Ask<routing::v1::OfferHandOverResponse>(Service::kRouting, from, std::move(offer), "intake", after);
  absl::StatusOr<routing::v1::OfferHandOverResponse> offered = co_await std::move(offering);
  if (!offered.ok()) co_return offered.status();
  routing::v1::AcceptHandOverRequest accept;
  accept.set_request_id(NextRequestId());
  accept.set_dossier(dossier);
  auto accepting = Ask<routing::v1::AcceptHandOverResponse>(Service::kRouting, to, std::move(accept));
  absl::StatusOr<routing::v1::AcceptHandOverResponse> accepted = co_await std::move(accepting);
  co_return accepted.status();
}

Task<absl::Status> System::Return(std::string dossier, uint64_t after) {
  intake::v1::ReturnResultRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  auto call =
      Ask<intake::v1::ReturnResultResponse>(Service::kIntake, kCommune, std::move(request), "routing", after);
  absl::StatusOr<intake::v1::ReturnResultResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::Inbox() {
  routing::v1::ListInboxRequest request;
  request.set_agency(kCommune);
  auto call = Ask<routing::v1::ListInboxResponse>(Service::kRouting, kCommune, std::move(request));
  absl::StatusOr<routing::v1::ListInboxResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::WholeLife() {
  absl::StatusOr<Written> filed = co_await FileAndAccept(kFourLegs);
  if (!filed.ok()) co_return filed.status();
  const std::string dossier = filed->subject();
  absl::Status status = co_await HandOver(dossier, kCommune, kDistrict, filed->feed_position());
  if (status.ok()) status = co_await HandOver(dossier, kDistrict, kRegistry, 0);
  if (status.ok()) status = co_await HandOver(dossier, kRegistry, kCommune, 0);
  if (!status.ok()) co_return status;
  absl::StatusOr<Written> finished = co_await Finish(dossier);
  if (!finished.ok()) co_return finished.status();
  co_return co_await Return(dossier, finished->feed_position());
}

Task<absl::Status> System::FourCallLife() {
  absl::StatusOr<Written> filed = co_await FileAndAccept(kOneLeg);
  if (!filed.ok()) co_return filed.status();
  const std::string dossier = filed->subject();
  absl::Status status = co_await Assign(dossier, filed->feed_position());
  if (!status.ok()) co_return status;
  absl::StatusOr<Written> finished = co_await Finish(dossier);
  if (!finished.ok()) co_return finished.status();
  co_return co_await Get(dossier);
}

Task<absl::StatusOr<System::States>> System::AskStates() {
  SetNow(absl::Now());
  States states;
  for (Service service : kServices) {
    auto call = Ask<admin::v1::GetStatusResponse>(service, kEverywhere, admin::v1::GetStatusRequest());
    absl::StatusOr<admin::v1::GetStatusResponse> state = co_await std::move(call);
    if (!state.ok()) co_return state.status();
    states[NameOf(service)] = *std::move(state);
  }
  co_return states;
}

Task<absl::StatusOr<std::map<std::string, uint64_t>>> System::FeedEnds() {
  absl::StatusOr<States> states = co_await AskStates();
  if (!states.ok()) co_return states.status();
  co_return EndsOf(*states, kShard);
}

Task<absl::StatusOr<uint64_t>> System::EverOverdue() {
  deadline::v1::GetStatisticsRequest request;
  request.set_shard(kShard);
  auto call = Ask<deadline::v1::GetStatisticsResponse>(Service::kDeadlineMonitor, kShard, std::move(request));
  absl::StatusOr<deadline::v1::GetStatisticsResponse> figures = co_await std::move(call);
  if (!figures.ok()) co_return figures.status();
  co_return figures->ever_overdue();
}

rpc::StreamReader<feed::v1::ReadResponse> System::Alerts(uint64_t after) {
  feed::v1::ReadRequest request;
  request.set_shard(kShard);
  request.set_after(after);
  request.add_kinds(feed::v1::Event::kAlertRaised);
  rpc::Client& client =
      clients_.find(std::make_pair(Service::kDeadlineMonitor, std::string_view(kShard)))->second;
  return client.Open<feed::v1::ReadResponse>(std::move(request));
}

Task<absl::Status> System::CaughtUp(std::string shard, absl::Duration patience) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  absl::Time last_step = absl::Now();
  while (absl::Now() < last_step + patience) {
    absl::StatusOr<States> states = co_await AskStates();
    if (!states.ok()) co_return states.status();
    std::map<std::string, uint64_t> ends = EndsOf(*states, shard);
    int consumers = 0;
    uint64_t behind = 0;
    for (const auto& [name, state] : *states) {
      for (const admin::v1::ConsumerStatus& consumer : state.consumers()) {
        if (consumer.shard() != shard) continue;
        ++consumers;
        behind += ends[consumer.source()] - std::min(consumer.applied(), ends[consumer.source()]);
      }
    }
    // intake 2, routing 1, deadline-monitor 2, notification 3
    if (behind == 0 && consumers == 8) co_return absl::OkStatus();
    if (behind < least) last_step = absl::Now();
    least = std::min(least, behind);
    absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(20));
    (void)slept;
  }
  co_return errors::DeadlineExceeded(
      "NOT_CAUGHT_UP",
      absl::StrCat("the services do not catch up with each other: ", least, " events are left to apply"));
}

}  // namespace motcua::bench
