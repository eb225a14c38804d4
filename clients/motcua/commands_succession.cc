// `motcua succession`: dossiers of agencies that have ended, on their way to those that continue their work.
#include <algorithm>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/progress.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

using admin::v1::SuccessionStatus;
using routing::v1::GetSuccessionRequest;
using routing::v1::GetSuccessionResponse;
using routing::v1::PreviewSuccessionRequest;
using routing::v1::PreviewSuccessionResponse;
using routing::v1::StartSuccessionRequest;
using routing::v1::StartSuccessionResponse;
using routing::v1::Succession;

// Every open dossier is read.
constexpr absl::Duration kLongestPreview = absl::Hours(1);
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(500);

int Preview(Program& program, const PreviewSuccessionRequest& request) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  PreviewSuccessionResponse preview;
  const absl::Status asked = session->Ask(Service::kRouting, request, preview, "", kLongestPreview);
  if (!asked.ok()) return program.Fail(asked);
  if (program.settings().json) {
    std::cout << Json(preview) << "\n";
    return kExitOk;
  }
  const View view = program.ViewOf(session->ZoneOf(request.shard()));
  const std::vector<const char*> columns = {"ended_agency", "successor", "held",
                                            "offered",      "consulted", "planned"};
  std::vector<std::string> header;
  for (const char* column : columns) header.push_back(Label(column, program.settings().english));
  Table table(std::move(header));
  for (const Succession& succession : preview.successions()) {
    std::vector<std::string> row;
    for (const char* column : columns) row.push_back(Value(succession, column, view));
    table.Add(std::move(row));
  }
  table.Print(std::cout);
  std::cout << program.settings().Say("Hồ sơ sẽ chuyển: ", "Dossiers that would be moved: ")
            << preview.dossiers() << "\n";
  return kExitOk;
}

// Returns when it is done; what is left then is told by the exit code.
int RunToItsEnd(Program& program, const std::string& shard) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  StartSuccessionRequest start;
  start.set_shard(shard);
  const auto started = session->Ask<StartSuccessionResponse>(start);
  if (!started.ok()) return program.Fail(started.status());
  SuccessionStatus status = started->status();
  GetSuccessionRequest look;
  look.set_shard(shard);
  {
    const uint64_t total = status.moved() + status.left();
    Progress progress(program.settings().Say("Kế thừa", "Succession"), total, program.settings().english);
    while (status.step() == SuccessionStatus::STEP_RUNNING) {
      progress.Show(total - std::min(total, status.left()),
                    absl::StrCat(program.settings().Say("đã chuyển ", "moved "), status.moved(), ", ",
                                 program.settings().Say("đã xem ", "looked at "), status.looked_at()));
      std::this_thread::sleep_for(absl::ToChronoMilliseconds(kBetweenLooks));
      const auto answer = session->Ask<GetSuccessionResponse>(look);
      if (!answer.ok()) return program.Fail(answer.status());
      status = answer->status();
    }
  }
  if (program.settings().json) {
    std::cout << Json(status) << "\n";
  } else {
    PrintMessage(status, program.ViewOf(session->ZoneOf(shard)), std::cout);
  }
  return status.left() == 0 ? kExitOk : kExitFailed;
}

}  // namespace

void AddSuccessionCommands(Program& program) {
  const Settings& settings = program.settings();
  const std::string group = settings.Say("Vận hành", "Operation");
  CLI::App* preview = program.Add(
      "succession preview", group, "Việc gì sẽ chuyển từ cơ quan đã kết thúc sang cơ quan kế thừa; chỉ xem",
      "What would pass from agencies that have ended to those that continue their work; reads only.\n"
      "Reference data say when an agency ends (valid_until) and who continues (successor). From the first\n"
      "minute of that day the successor may act on everything and finds it in its inbox; the figures here "
      "are\n"
      "of what is still stored with the agency before",
      "motcua succession preview H30 --as root@H30:admin\n"
      "  motcua succession preview H30 --day 2025-07-01 --as root@H30:admin     # before the day has come");
  auto request = std::make_shared<PreviewSuccessionRequest>();
  preview
      ->add_option_function<std::string>(
          "shard", [request](const std::string& t) { request->set_shard(t); },
          FlagHelp("shard", settings.english))
      ->required();
  preview->add_option_function<std::string>(
      "--day", [request](const std::string& t) { request->set_day(t); },
      settings.Say("Như vào đầu ngày này; mặc định: bây giờ",
                   "As of the beginning of this day; default: now"));
  program.OnRun(preview, [&program, request] { return Preview(program, *request); });

  CLI::App* run = program.Add(
      "succession run", group, "Chuyển hết sang cơ quan kế thừa, từng hồ sơ một",
      "Move all of it, each dossier by a change of its own, and wait until it is done.\n"
      "The work goes on at the service when this command is ended, and after a crash; begun again it moves\n"
      "what has come since, and nothing twice. `motcua status` tells of it, too. Exit status 0 = nothing is "
      "left",
      "motcua succession run H30 --as root@H30:admin");
  auto shard = std::make_shared<std::string>();
  run->add_option("shard", *shard, FlagHelp("shard", settings.english))->required();
  program.OnRun(run, [&program, shard] { return RunToItsEnd(program, *shard); });
}

}  // namespace motcua::client
