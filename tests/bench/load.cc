#include "tests/bench/load.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::bench {

namespace {

using async::Task;
using common::v1::Written;
using routing::v1::MutationResponse;

reference::v1::Agency* AddAgency(reference::v1::ReferenceSet& set, const std::string& id, const std::string& parent,
                                 reference::v1::Level level) {
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

void SetDays(common::v1::Limit* limit, uint32_t days) {
  limit->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  limit->set_tenths(days * 10);
}

}  // namespace

reference::v1::ReferenceSet BenchReference() {
  reference::v1::ReferenceSet set;
  set.mutable_jurisdiction()->set_id(kShard);
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
  AddAgency(set, kShard, "", reference::v1::LEVEL_PROVINCE);
  AddAgency(set, kCommune, kShard, reference::v1::LEVEL_COMMUNE);
  AddAgency(set, kDistrict, kShard, reference::v1::LEVEL_DISTRICT);
  AddAgency(set, kRegistry, kShard, reference::v1::LEVEL_DISTRICT);
  for (const char* code : {kOneLeg, kFourLegs}) {
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
    leg->set_agency(agency);
    SetDays(leg->mutable_limit(), 2);
  }
  return set;
}

System::System(rpc::Loop& loop, const auth::JwtSigner& signer,
               std::map<std::string, std::shared_ptr<grpc::Channel>> channels)
    : loop_(loop), run_(absl::StrCat("bench-", absl::ToUnixMicros(absl::Now()), "-", getpid(), "-")) {
  for (const char* agency : {kShard, kCommune, kDistrict, kRegistry}) {
    std::vector<std::string> roles = {"intake", "handler", "leader", "returner", "admin"};
    auth::Principal officer(auth::Kind::kOfficer, std::string(agency) + "-officer", agency, std::move(roles));
    tokens_[agency] = signer.Mint(officer, absl::Now(), absl::Hours(12)).value();
  }
  for (auto& [name, channel] : channels) clients_.emplace(name, rpc::Client(loop, channel));
}

std::string System::NextRequestId() { return absl::StrCat(run_, ++requests_); }

template <class Response, class Request>
Task<absl::StatusOr<Response>> System::Ask(std::string service, std::string agency, Request request,
                                           std::string after_service, uint64_t after) {
  rpc::CallOptions options;
  options.deadline = absl::Now() + absl::Seconds(60);
  options.bearer_token = tokens_.at(agency);
  if (after != 0) options.after.emplace_back(after_service, kShard, after);
  auto call = clients_.at(service).CallRetrying<Response>(std::move(request), std::move(options));
  absl::StatusOr<Response> response = co_await std::move(call);
  co_return response;
}

Task<absl::Status> System::Prepare() {
  intake::v1::ApplyReferenceRequest request;
  *request.mutable_set() = BenchReference();
  auto apply = Ask<intake::v1::ApplyReferenceResponse>("intake", kShard, std::move(request));
  absl::StatusOr<intake::v1::ApplyReferenceResponse> applied = co_await std::move(apply);
  if (!applied.ok()) co_return applied.status();
  co_return co_await CaughtUp(absl::Seconds(20));
}

Task<absl::StatusOr<Written>> System::FileAndAccept(std::string procedure) {
  intake::v1::FileRequest request;
  request.set_request_id(NextRequestId());
  request.set_receiving_agency(kCommune);
  request.set_procedure(procedure);
  request.mutable_applicant()->set_name("Nguyễn Văn An");
  request.mutable_applicant()->set_id_number("093201001234");
  request.mutable_applicant()->set_phone("0901234567");
  request.mutable_applicant()->set_address("Ấp 3, xã Tân Bình, huyện Phụng Hiệp");
  request.set_subject("Đề nghị cấp giấy xác nhận");
  request.set_accept(true);
  auto call = Ask<intake::v1::FileResponse>("intake", kCommune, std::move(request));
  absl::StatusOr<intake::v1::FileResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  co_return response->written();
}

Task<absl::Status> System::Assign(std::string dossier, uint64_t after) {
  routing::v1::AssignRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_officer(std::string(kCommune) + "-officer");
  auto call = Ask<MutationResponse>("routing", kCommune, std::move(request), "intake", after);
  absl::StatusOr<MutationResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::StatusOr<Written>> System::Work(std::string dossier, uint64_t after) {
  routing::v1::CompleteWorkRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_activity("Thẩm định hồ sơ");
  auto call = Ask<MutationResponse>("routing", kCommune, std::move(request), "intake", after);
  absl::StatusOr<MutationResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  co_return response->written();
}

Task<absl::StatusOr<Written>> System::Finish(std::string dossier, std::string agency) {
  routing::v1::FinishRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  request.set_outcome(feed::v1::OUTCOME_APPROVED);
  auto call = Ask<MutationResponse>("routing", agency, std::move(request));
  absl::StatusOr<MutationResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  co_return response->written();
}

Task<absl::Status> System::Get(std::string dossier) {
  intake::v1::GetDossierRequest request;
  request.set_dossier(dossier);
  auto call = Ask<intake::v1::Dossier>("intake", kCommune, std::move(request));
  absl::StatusOr<intake::v1::Dossier> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::HandOver(std::string dossier, std::string from, std::string to, uint64_t after) {
  routing::v1::OfferHandOverRequest offer;
  offer.set_request_id(NextRequestId());
  offer.set_dossier(dossier);
  auto offering = Ask<MutationResponse>("routing", from, std::move(offer), "intake", after);
  absl::StatusOr<MutationResponse> offered = co_await std::move(offering);
  if (!offered.ok()) co_return offered.status();
  routing::v1::AcceptHandOverRequest accept;
  accept.set_request_id(NextRequestId());
  accept.set_dossier(dossier);
  auto accepting = Ask<MutationResponse>("routing", to, std::move(accept));
  absl::StatusOr<MutationResponse> accepted = co_await std::move(accepting);
  co_return accepted.status();
}

Task<absl::Status> System::Return(std::string dossier, uint64_t after) {
  intake::v1::ReturnResultRequest request;
  request.set_request_id(NextRequestId());
  request.set_dossier(dossier);
  auto call = Ask<intake::v1::ReturnResultResponse>("intake", kCommune, std::move(request), "routing", after);
  absl::StatusOr<intake::v1::ReturnResultResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::Status> System::Inbox(std::string agency) {
  routing::v1::ListInboxRequest request;
  request.set_agency(agency);
  auto call = Ask<routing::v1::ListInboxResponse>("routing", agency, std::move(request));
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
  absl::StatusOr<Written> finished = co_await Finish(dossier, kCommune);
  if (!finished.ok()) co_return finished.status();
  co_return co_await Return(dossier, finished->feed_position());
}

Task<absl::Status> System::FourCallLife() {
  absl::StatusOr<Written> filed = co_await FileAndAccept(kOneLeg);
  if (!filed.ok()) co_return filed.status();
  const std::string dossier = filed->subject();
  absl::Status status = co_await Assign(dossier, filed->feed_position());
  if (!status.ok()) co_return status;
  absl::StatusOr<Written> finished = co_await Finish(dossier, kCommune);
  if (!finished.ok()) co_return finished.status();
  co_return co_await Get(dossier);
}

Task<absl::Status> System::CaughtUp(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (absl::Now() < deadline) {
    std::map<std::string, uint64_t> ends;
    std::map<std::string, admin::v1::GetStatusResponse> states;
    for (const auto& [name, client] : clients_) {
      admin::v1::GetStatusRequest request;
      auto call = Ask<admin::v1::GetStatusResponse>(name, kShard, std::move(request));
      absl::StatusOr<admin::v1::GetStatusResponse> state = co_await std::move(call);
      if (!state.ok()) co_return state.status();
      for (const admin::v1::FeedStatus& feed : state->feeds()) {
        if (feed.shard() == kShard) ends[name] = feed.position();
      }
      states[name] = *std::move(state);
    }
    int consumers = 0;
    bool behind = false;
    for (const auto& [name, state] : states) {
      for (const admin::v1::ConsumerStatus& consumer : state.consumers()) {
        if (consumer.shard() != kShard) continue;
        ++consumers;
        behind = behind || consumer.applied() < ends[consumer.source()];
      }
    }
    // intake 2, routing 1, deadline-monitor 2, notification 3
    if (!behind && consumers == 8) co_return absl::OkStatus();
    absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(10));
    (void)slept;
  }
  co_return errors::DeadlineExceeded("NOT_CAUGHT_UP", "the services have not caught up with each other in time");
}

}  // namespace motcua::bench
