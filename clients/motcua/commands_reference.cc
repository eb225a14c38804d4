#include <iostream>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/fields.h"
#include "common/reference/due_query.h"
#include "common/reference/loader.h"
#include "common/reference/pieces.h"
#include "common/reference/sample.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::client {
namespace {

using reference::DueQuery;

absl::StatusOr<intake::v1::ComputeDueRequest> DueRequestOf(const DueQuery& query, Session& session) {
  intake::v1::ComputeDueRequest request;
  request.set_agency(query.agency.empty() ? "H30" : query.agency);
  absl::StatusOr<absl::Time> received =
      ParseTime(query.received, [&] { return session.ZoneOf(ShardOfRequest(request)); });
  if (!received.ok()) return received.status();
  absl::StatusOr<common::v1::Limit> limit = time::ParseLimit(query.limit);
  if (!limit.ok()) return limit.status();
  *request.mutable_received_at() = time::ToTimestamp(*received);
  *request.mutable_limit() = *limit;
  if (query.cutoff == "none") {
    request.set_cutoff_policy(reference::v1::CUTOFF_POLICY_NONE);
  } else {
    request.set_cutoff(query.cutoff);
  }
  return request;
}

// The same words whether asked of a server or not: the date, for hours the minute.
int AskServer(Program& program, const DueQuery& query) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  absl::StatusOr<intake::v1::ComputeDueRequest> request = DueRequestOf(query, *session);
  if (!request.ok()) return program.Fail(request.status());
  const auto answer = session->Ask<intake::v1::ComputeDueResponse>(*request);
  if (!answer.ok()) return program.Fail(answer.status());
  if (program.settings().json) {
    std::cout << Json(*answer) << "\n";
  } else if (request->limit().unit() == common::v1::LIMIT_UNIT_WORKING_HOURS) {
    std::cout << absl::FormatTime("%Y-%m-%dT%H:%M", time::FromTimestamp(answer->due().appointment()),
                                  session->ZoneOf(ShardOfRequest(*request)))
              << "\n";
  } else {
    std::cout << answer->due().date() << "\n";
  }
  return kExitOk;
}

int Due(Program& program, const DueQuery& query, bool server) {
  if (server) return AskServer(program, query);
  const absl::StatusOr<std::string> answer = reference::AnswerDue(query, reference::SampleCatalogue());
  if (!answer.ok()) return program.Fail(answer.status());
  if (program.settings().json) {
    std::cout << "{\"due\":\"" << *answer << "\"}\n";
  } else {
    std::cout << *answer << "\n";
  }
  return kExitOk;
}

// Of one message; what is larger is sent in parts.
constexpr size_t kPartBytes = size_t{1} << 20;

// Sends the parts that are not there yet. The upload is named by its content, so that the same command goes
// on where one that was interrupted stopped.
absl::StatusOr<intake::v1::ApplyReferenceRequest> Upload(Session& session,
                                                         const reference::v1::ReferenceSet& set) {
  intake::v1::ApplyReferenceRequest apply;
  const std::string& shard = set.jurisdiction().id();
  const std::vector<reference::v1::ReferenceSet> parts = reference::SplitIntoParts(set, kPartBytes);
  const std::string content =
      absl::BytesToHexString(reference::ContentDigest(reference::SplitIntoPieces(set)));
  apply.set_shard(shard);
  apply.set_upload("set-" + content.substr(0, 32));
  apply.set_parts(static_cast<uint32_t>(parts.size()));
  intake::v1::GetReferenceUploadRequest ask;
  ask.set_shard(shard);
  ask.set_upload(apply.upload());
  const auto known = session.Ask<intake::v1::GetReferenceUploadResponse>(ask);
  if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
  std::set<uint32_t> there;
  if (known.ok()) there.insert(known->upload().parts().begin(), known->upload().parts().end());
  for (uint32_t number = 0; number < parts.size(); ++number) {
    if (there.count(number) > 0) continue;
    intake::v1::UploadReferenceRequest request;
    request.set_shard(shard);
    request.set_upload(apply.upload());
    request.set_part(number);
    *request.mutable_set() = parts[number];
    const auto sent = session.Ask<intake::v1::UploadReferenceResponse>(request);
    if (!sent.ok()) return sent.status();
  }
  return apply;
}

void PrintPassing(Program& program, const intake::v1::ApplyReferenceResponse& applied, bool dry_run,
                  const std::string& jurisdiction) {
  for (const intake::v1::PassingShard& shard : applied.passing()) {
    std::cout << shard.shard()
              << program.settings().Say(dry_run ? ": sẽ chuyển từ " : ": chuyển từ ",
                                        dry_run ? ": would pass from " : ": passes from ")
              << shard.jurisdiction() << program.settings().Say(" sang ", " to ") << jurisdiction
              << program.settings().Say(" từ ngày ", " on ") << shard.since()
              << program.settings().Say(", hồ sơ đang giải quyết: ", ", open dossiers: ")
              << shard.open_dossiers() << "\n";
  }
}

int Apply(Program& program, const std::vector<std::string>& paths, bool dry_run) {
  const reference::LoadResult loaded = reference::LoadFiles(paths);
  if (!loaded.ok()) return program.Fail(loaded.status());
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  // What is to pass to the jurisdiction is not its own yet.
  if (!loaded.set.jurisdiction().inherited().empty()) session->ActInAllJurisdictions();
  intake::v1::ApplyReferenceRequest request;
  if (loaded.set.ByteSizeLong() > kPartBytes) {
    absl::StatusOr<intake::v1::ApplyReferenceRequest> uploaded = Upload(*session, loaded.set);
    if (!uploaded.ok()) return program.Fail(uploaded.status());
    request = *std::move(uploaded);
  } else {
    *request.mutable_set() = loaded.set;
  }
  request.set_dry_run(dry_run);
  const auto applied = session->Ask<intake::v1::ApplyReferenceResponse>(request);
  if (!applied.ok()) return program.Fail(applied.status());
  if (program.settings().json) {
    std::cout << Json(*applied) << "\n";
  } else if (dry_run) {
    std::cout << program.settings().Say("Danh mục hợp lệ", "The reference data are valid") << "\n";
  } else if (applied->changed()) {
    std::cout << loaded.set.jurisdiction().id()
              << program.settings().Say(": đã áp dụng phiên bản ", ": applied as version ")
              << applied->version() << "\n";
  } else {
    std::cout << loaded.set.jurisdiction().id()
              << program.settings().Say(": không thay đổi, phiên bản ", ": unchanged, version ")
              << applied->version() << "\n";
  }
  if (!program.settings().json) PrintPassing(program, *applied, dry_run, loaded.set.jurisdiction().id());
  return kExitOk;
}

}  // namespace

void AddReferenceCommands(Program& program) {
  const Settings& settings = program.settings();
  const std::string group = settings.Say("Danh mục, thời hạn", "Reference data, terms");
  CLI::App* due =
      program.Add("due", group, "Tính ngày hẹn trả, không cần máy chủ", "When is it due? Needs no server",
                  "motcua due --received 2025-01-24T15:30 --limit 3wd\n"
                  "  motcua due --received 2025-01-24T15:30 --limit 4wh --cutoff none --agency H30.18.TH");
  auto query = std::make_shared<DueQuery>();
  auto server = std::make_shared<bool>(false);
  due->add_option("--received", query->received, FlagHelp("received-at", settings.english))->required();
  due->add_option("--limit", query->limit, FlagHelp("limit", settings.english))->required();
  due->add_option("--cutoff", query->cutoff,
                  settings.Say("Giờ chốt HH:MM hoặc none (mặc định 15:00)", "HH:MM or none (default 15:00)"));
  due->add_option("--agency", query->agency,
                  settings.Say("Theo lịch của cơ quan này", "By the calendar of this agency"));
  due->add_flag("--server", *server, settings.Say("Hỏi dịch vụ tiếp nhận", "Ask the intake service"));
  program.OnRun(due, [&program, query, server] { return Due(program, *query, *server); });

  CLI::App* apply = program.Add("reference apply", group, "Kiểm tra và áp dụng danh mục từ tệp YAML",
                                "Check reference data in YAML as a whole, and apply them",
                                "motcua reference apply deploy/reference");
  auto paths = std::make_shared<std::vector<std::string>>();
  auto dry_run = std::make_shared<bool>(false);
  apply->add_option("paths", *paths, settings.Say("Tệp hoặc thư mục", "Files or directories"))->required();
  apply->add_flag("--dry-run", *dry_run, settings.Say("Chỉ kiểm tra", "Only check"));
  program.OnRun(apply, [&program, paths, dry_run] { return Apply(program, *paths, *dry_run); });
  program.Add("reference", group, "Danh mục", "Reference data", "");
  AddCalls(program, group,
           {{"reference show",
             "Xem danh mục đang dùng",
             "Show the reference data in force",
             intake::v1::GetReferenceRequest::descriptor(),
             {"shard"},
             "",
             {},
             "motcua reference show H30"},
            {"reference agencies",
             "Liệt kê cơ quan",
             "List agencies",
             intake::v1::ListAgenciesRequest::descriptor(),
             {"shard"},
             "agencies",
             {"id", "name", "level", "parent", "valid_until", "successor"},
             "motcua reference agencies H30 --under H30.18 --query 'dia chinh'"},
            {"reference officers",
             "Liệt kê cán bộ",
             "List officers",
             intake::v1::ListOfficersRequest::descriptor(),
             {"shard"},
             "officers",
             {"id", "name", "agency", "roles", "email"},
             "motcua reference officers H30 --under H30.18.05 --role leader"},
            {"reference procedures",
             "Liệt kê thủ tục hành chính",
             "List procedures",
             intake::v1::ListProceduresRequest::descriptor(),
             {"shard"},
             "procedures",
             {"code", "name", "sector", "limit", "valid_from", "valid_until"},
             "motcua reference procedures H30 --query 'khai sinh' --as-of 2026-07-14"},
            {"reference calendars",
             "Liệt kê lịch làm việc",
             "List calendars",
             intake::v1::ListCalendarsRequest::descriptor(),
             {"shard"},
             "calendars",
             {"id", "name", "base"},
             "motcua reference calendars H30"},
            {"reference agency",
             "Xem một cơ quan",
             "Show an agency",
             intake::v1::GetAgencyRequest::descriptor(),
             {"agency"},
             "",
             {},
             "motcua reference agency H30.18.05"},
            {"reference procedure",
             "Xem một thủ tục, như có hiệu lực vào một ngày",
             "Show a procedure as it is in force on a day",
             intake::v1::GetProcedureRequest::descriptor(),
             {"shard", "procedure"},
             "",
             {},
             "motcua reference procedure H30 1.001193 --as-of 2026-07-14"},
            {"reference versions",
             "Các phiên bản danh mục còn được lưu",
             "The version in force and the older ones that open dossiers need",
             intake::v1::ListReferenceVersionsRequest::descriptor(),
             {"shard"},
             "versions",
             {"version", "applied_at", "open_dossiers", "pieces", "bytes"},
             "motcua reference versions H30"},
            {"reference upload",
             "Bản danh mục đang tải lên đã đến đâu",
             "What has arrived of an upload",
             intake::v1::GetReferenceUploadRequest::descriptor(),
             {"shard", "upload"},
             "",
             {},
             "motcua reference upload H30 set-0123456789abcdef"},
            {"reference drop",
             "Bỏ một bản danh mục tải lên dở dang",
             "Drop an upload",
             intake::v1::DropReferenceUploadRequest::descriptor(),
             {"shard", "upload"},
             "",
             {},
             "motcua reference drop H30 set-0123456789abcdef"}});
}

}  // namespace motcua::client
