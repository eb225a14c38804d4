#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/figures.h"
#include "clients/motcua/replay_file.h"
#include "clients/motcua/replay_runner.h"
#include "clients/motcua/story.h"
#include "clients/motcua/verify.h"
#include "motcua/admin/v1/admin.pb.h"

namespace motcua::client {
namespace {

struct ReplayArguments {
  LogFile log;
  std::string oracle;
  bool verify_only = false;
  double patience = 60;
  ReplayOptions options;
};

// A file with the planned part of the log, for the oracle; removed at the end.
class Excerpt {
 public:
  Excerpt() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = absl::StrCat(base == nullptr ? "/tmp" : base, "/motcua-replay-XXXXXX");
    const int fd = mkstemp(pattern.data());
    if (fd < 0) return;
    close(fd);
    path_ = pattern;
  }
  ~Excerpt() {
    if (!path_.empty()) unlink(path_.c_str());
  }

  absl::Status Write(const LogFile& log, const Plan& plan) {
    std::ofstream file(path_, std::ios::binary);
    if (absl::Status written = WriteExcerpt(log, plan, file); !written.ok()) return written;
    file.close();
    if (!path_.empty() && file.good()) return absl::OkStatus();
    return absl::UnavailableError("cannot write a temporary file; is TMPDIR writable?");
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The oracle's figures; none where there is no oracle.
absl::StatusOr<std::optional<Figures>> AskOracle(const ReplayArguments& arguments, const Plan& plan) {
  if (arguments.oracle.empty()) return std::nullopt;
  std::optional<Excerpt> excerpt;
  if (arguments.log.limit > 0) {
    if (absl::Status written = excerpt.emplace().Write(arguments.log, plan); !written.ok()) return written;
  }
  const absl::StatusOr<std::string> output =
      RunOracle(arguments.oracle, excerpt ? excerpt->path() : arguments.log.path);
  if (!output.ok()) return output.status();
  absl::StatusOr<Figures> figures = FiguresOfOracle(*output);
  if (!figures.ok()) return figures.status();
  return std::optional<Figures>(*std::move(figures));
}

int Tell(Program& program, const Figures& system, const std::optional<Figures>& oracle) {
  const std::vector<FigureLine> lines = Compare(system, oracle.value_or(system));
  size_t different = 0;
  nlohmann::ordered_json json = {{"figures", nlohmann::ordered_json::object()}};
  Table table(!oracle ? std::vector<std::string>{"", "system"}
                      : std::vector<std::string>{"", "system", "oracle", ""});
  for (const FigureLine& line : lines) {
    different += line.same ? 0 : 1;
    json["figures"][line.name] = {
        {"system", line.system}, {"oracle", !oracle ? "" : line.oracle}, {"same", line.same}};
    if (!oracle) {
      table.Add({line.name, line.system});
    } else {
      table.Add(
          {line.name, line.system, line.oracle, line.same ? "" : program.settings().Say("KHÁC", "DIFFERS")});
    }
  }
  json["differences"] = different;
  if (program.settings().json) {
    std::cout << json.dump(1) << std::endl;
    return different == 0 ? kExitOk : kExitFailed;
  }
  table.Print(std::cout);
  if (!oracle) {
    std::cout << program.settings().Say("không có oracle để so sánh", "no oracle to compare with")
              << std::endl;
  } else if (different == 0) {
    std::cout << lines.size()
              << program.settings().Say(" số liệu, không khác biệt", " figures, no difference") << std::endl;
  } else {
    std::cout << different << program.settings().Say(" số liệu khác", " figures differ") << std::endl;
  }
  return different == 0 ? kExitOk : kExitFailed;
}

nlohmann::ordered_json JsonOf(const std::string& shard, const Verification& verified) {
  return {{"jurisdiction", shard},
          {"dossiers", verified.dossiers},
          {"acknowledged", verified.acknowledged},
          {"histories", verified.histories},
          {"alerts", verified.alerts},
          {"messages", verified.messages},
          {"cursors", verified.cursors},
          {"entries", verified.entries},
          {"notes", verified.notes},
          {"unchecked", verified.unchecked},
          {"violations", verified.violations},
          {"omitted", verified.omitted}};
}

void Print(const Settings& settings, const std::string& shard, const Verification& verified) {
  std::cout << shard << ": " << verified.dossiers << settings.Say(" hồ sơ, ", " dossiers, ")
            << verified.acknowledged << settings.Say(" trả lời đã xác nhận, ", " acknowledged replies, ")
            << verified.histories << settings.Say(" nhật ký, ", " histories, ") << verified.alerts
            << settings.Say(" cảnh báo, ", " alerts, ") << verified.messages
            << settings.Say(" thông báo, ", " messages, ") << verified.entries
            << settings.Say(" mục danh sách và số đếm", " entries of lists and counters") << "\n";
  for (const std::string& violation : verified.violations) std::cout << "  " << violation << "\n";
  if (verified.omitted > 0) std::cout << "  ... +" << verified.omitted << "\n";
  for (const std::string& note : verified.notes)
    std::cout << "  " << settings.Say("lưu ý: ", "note: ") << note << "\n";
  for (const std::string& unchecked : verified.unchecked)
    std::cout << "  " << settings.Say("không kiểm tra được: ", "not checked: ") << unchecked << "\n";
  if (!verified.ok()) return;
  std::cout << settings.Say("mọi thứ đúng", "all as it must be")
            << (verified.unchecked.empty()
                    ? ""
                    : settings.Say(", trong phạm vi kiểm tra được", ", as far as it was checked"))
            << std::endl;
}

int VerifySystem(Program& program, Session& session, const std::string& shard,
                 const std::string& acknowledged) {
  const absl::StatusOr<Verification> verified = Verify(session, shard, acknowledged);
  if (!verified.ok()) return program.Fail(verified.status());
  if (program.settings().json) {
    std::cout << JsonOf(shard, *verified).dump(1) << std::endl;
  } else {
    Print(program.settings(), shard, *verified);
  }
  return verified->ok() ? kExitOk : kExitFailed;
}

// Every jurisdiction that the installation has.
int VerifyAll(Program& program, Session& session) {
  admin::v1::GetStatusResponse status;
  if (absl::Status asked = session.Ask(Service::kIntake, admin::v1::GetStatusRequest(), status); !asked.ok())
    return program.Fail(asked);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  bool ok = true;
  for (const admin::v1::FeedStatus& feed : status.feeds()) {
    const absl::StatusOr<Verification> verified = Verify(session, feed.shard(), "");
    if (!verified.ok()) return program.Fail(verified.status());
    ok &= verified->ok();
    if (program.settings().json) {
      json.push_back(JsonOf(feed.shard(), *verified));
    } else {
      Print(program.settings(), feed.shard(), *verified);
    }
  }
  if (program.settings().json) {
    std::cout << json.dump(1) << std::endl;
  } else if (status.feeds().empty()) {
    std::cout << program.settings().Say("chưa có địa phương nào", "there is no jurisdiction yet")
              << std::endl;
  }
  return ok ? kExitOk : kExitFailed;
}

// The system's figures beside the oracle's.
int CompareFigures(Program& program, Session& session, const Plan& plan,
                   const std::optional<Figures>& oracle) {
  const absl::StatusOr<Figures> system = FiguresOfSystem(session, kReplayShard, ChannelTexts(plan));
  if (!system.ok()) return program.Fail(system.status());
  return Tell(program, *system, oracle);
}

int VerifyLog(Program& program, const ReplayArguments& arguments) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  ReplayArguments replayed = arguments;
  // As it was replayed.
  replayed.log.zone = session->ZoneOf(kReplayShard).name();
  const absl::StatusOr<Plan> plan = PlanOf(replayed.log, program.settings().english);
  if (!plan.ok()) return program.Fail(plan.status());
  const auto oracle = AskOracle(replayed, *plan);
  if (!oracle.ok()) return program.Fail(oracle.status());
  const int figures = CompareFigures(program, *session, *plan, *oracle);
  const int verified = VerifySystem(program, *session, kReplayShard, arguments.options.acknowledged);
  return figures == kExitOk ? verified : figures;
}

int Replay(Program& program, const ReplayArguments& arguments) {
  const absl::StatusOr<Plan> plan = PlanOf(arguments.log, program.settings().english);
  if (!plan.ok()) {
    program.Fail(plan.status());
    return kExitFailed;
  }
  // Whatever is wrong with the oracle is known before, too.
  const auto oracle = AskOracle(arguments, *plan);
  if (!oracle.ok()) return program.Fail(oracle.status());
  program.settings().patience = absl::Seconds(arguments.patience);
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  if (arguments.verify_only)
    return VerifySystem(program, *session, kReplayShard, arguments.options.acknowledged);
  const ReplayNames names = NamesOf(*plan);
  ReplayOptions options = arguments.options;
  options.patience = program.settings().patience;
  ReplayRunner runner(*session, *plan, names, options);
  absl::Status replayed = runner.Check();
  if (replayed.ok()) replayed = runner.Run();
  if (replayed.ok()) replayed = runner.Settle();
  if (!replayed.ok()) return program.Fail(replayed);
  return CompareFigures(program, *session, *plan, *oracle);
}

void AddReplay(Program& program, const std::string& group) {
  const Settings& settings = program.settings();
  CLI::App* replay = program.Add(
      "replay", group, "Sống lại một nhật ký thật, so với kết quả tính sẵn",
      "Bring a real log to life on simulated time, and compare the system with an oracle",
      "tests/data/make_log -o district.csv\n  motcua replay district.csv --oracle tests/data/log_oracle.py\n"
      "  motcua replay district.csv --limit 100 --json");
  auto arguments = std::make_shared<ReplayArguments>();
  replay->add_option("file", arguments->log.path, settings.Say("Tệp CSV", "The log, CSV"))->required();
  replay->add_option(
      "--oracle", arguments->oracle,
      settings.Say("Lệnh tính số liệu đúng từ tệp; không có thì không so sánh",
                   "Command that tells the right figures of the file; without it nothing is compared"));
  replay->add_option(
      "--zone", arguments->log.zone,
      settings.Say("Múi giờ (IANA) của nơi làm việc, theo đó tính ngày (mặc định Asia/Ho_Chi_Minh)",
                   "Time zone (IANA) of the desk, whose dates count (default Asia/Ho_Chi_Minh)"));
  replay
      ->add_option("--limit", arguments->log.limit,
                   settings.Say("Chỉ N hồ sơ đầu", "Only the first N dossiers"))
      ->check(CLI::PositiveNumber);
  replay
      ->add_option("--rate", arguments->options.rate,
                   settings.Say("Số việc mỗi giây", "Actions in a second, at most"))
      ->check(CLI::PositiveNumber);
  replay
      ->add_option("--in-flight", arguments->options.in_flight,
                   settings.Say("Số hồ sơ được xử lý cùng lúc (mặc định 16)",
                                "Dossiers acted on at the same time, at most (default 16)"))
      ->check(CLI::Range(1, 256));
  replay
      ->add_option(
          "--patience", arguments->patience,
          settings.Say("Giây chờ dịch vụ vắng mặt",
                       "Seconds for which a call is repeated while its service is away (default 60)"))
      ->check(CLI::Range(0.0, 86400.0));
  replay->add_option(
      "--acknowledged", arguments->options.acknowledged,
      settings.Say("Ghi mọi trả lời đã xác nhận vào tệp", "Append every acknowledged reply to this file"));
  replay->add_flag("--verify-only", arguments->verify_only,
                   settings.Say("Chỉ kiểm tra hệ thống", "Only check the system, as `verify`"));
  program.OnRun(replay, [&program, arguments] { return Replay(program, *arguments); });
}

}  // namespace

void AddReplayCommands(Program& program) {
  const Settings& settings = program.settings();
  const std::string group = settings.Say("Trình diễn, kiểm tra", "Demonstration, checks");
  AddReplay(program, group);
  CLI::App* verify = program.Add(
      "verify", group, "Kiểm tra mọi hồ sơ của một địa phương",
      "Check custody, histories, alerts, messages and lists of a jurisdiction, or of a replayed log",
      "motcua verify\n  motcua verify H30\n"
      "  motcua verify district.csv --limit 100 --acknowledged replies.jsonl");
  auto subject = std::make_shared<std::string>();
  auto arguments = std::make_shared<ReplayArguments>();
  verify->add_option(
      "subject", *subject,
      settings.Say("Địa phương, hoặc nhật ký đã phát lại (thì so cả số liệu); mặc định: mọi địa phương",
                   "Jurisdiction, or a replayed log (then its figures are compared, too); "
                   "default: every jurisdiction"));
  verify
      ->add_option("--acknowledged", arguments->options.acknowledged,
                   settings.Say("Tệp của replay", "File written by replay"))
      ->needs("subject");
  verify
      ->add_option("--limit", arguments->log.limit,
                   settings.Say("Chỉ N hồ sơ đầu", "Only the first N dossiers"))
      ->check(CLI::PositiveNumber);
  verify->add_option("--oracle", arguments->oracle,
                     settings.Say("Lệnh tính kết quả đúng", "Command that computes the right figures"));
  program.OnRun(verify, [&program, subject, arguments] {
    struct stat found;
    arguments->log.path = *subject;
    if (stat(subject->c_str(), &found) == 0 && !S_ISDIR(found.st_mode)) return VerifyLog(program, *arguments);
    const std::unique_ptr<Session> session = program.OpenSession();
    if (session == nullptr) return kExitFailed;
    if (subject->empty()) return VerifyAll(program, *session);
    return VerifySystem(program, *session, *subject, arguments->options.acknowledged);
  });
  CLI::App* story = program.Add(
      "story", group, "Kể chuyện một hồ sơ liên thông từ xã lên huyện và trở về",
      "The story of one interlinked dossier, from a commune to the district and back", "motcua story");
  program.OnRun(story, [&program] { return TellStory(program); });
}

}  // namespace motcua::client
