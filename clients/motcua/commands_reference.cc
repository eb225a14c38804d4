#include <iostream>

#include "absl/time/clock.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/fields.h"
#include "common/reference/due_query.h"
#include "common/reference/loader.h"
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

int Apply(Program& program, const std::vector<std::string>& paths, bool dry_run) {
  const reference::LoadResult loaded = reference::LoadFiles(paths);
  if (!loaded.ok()) return program.Fail(loaded.status());
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  intake::v1::ApplyReferenceRequest request;
  *request.mutable_set() = loaded.set;
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
             "motcua reference show H30"}});
}

}  // namespace motcua::client
