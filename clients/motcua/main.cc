// motcua: the client of officers, operators and scripts.
#include <iostream>

#include "absl/strings/match.h"
#include "clients/motcua/commands.h"
#include "common/telemetry/build_info.h"

namespace motcua::client {
namespace {

constexpr char kAboutVi[] =
    "motcua: làm việc với hệ thống một cửa từ dòng lệnh.\n"
    "Địa chỉ, chứng thư và thẻ lấy từ MOTCUA_* hoặc các cờ dưới đây; `motcua LỆNH --help` cho ví dụ.";
constexpr char kAboutEn[] =
    "motcua: the one-stop office from the command line.\n"
    "Addresses, certificates and tokens come from MOTCUA_* or the flags below; `motcua COMMAND --help` shows "
    "an example.\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage.";

// The language decides the texts of the help, so it is looked for before the command line is read.
void ReadLanguage(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    absl::string_view language;
    if (absl::StartsWith(argument, "--lang=")) language = argument.substr(7);
    if (argument == "--lang" && i + 1 < argc) language = argv[i + 1];
    if (!language.empty()) settings.english = language == "en";
  }
}

void AddSettings(CLI::App& app, Settings& settings, std::string& language) {
  app.add_flag("--json", settings.json, settings.Say("Trả lời bằng JSON", "Answer in JSON"));
  app.set_version_flag("--version", telemetry::VersionLine("motcua"),
                       settings.Say("In phiên bản rồi kết thúc", "Print which build it is and end"));
  app.add_flag("--verbose", settings.verbose,
               settings.Say("In mã vết (trace) của lệnh", "Tell the trace id of the command"));
  app.add_option("--lang", language, settings.Say("Ngôn ngữ: vi hoặc en", "Language: vi or en"))
      ->check(CLI::IsMember({"vi", "en"}));
  app.add_option("--as", settings.as,
                 settings.Say("Làm với tư cách cán bộ: mã@cơ-quan:vai-trò,vai-trò",
                              "Act as officer-id@agency:role,role"));
  const std::string group = settings.Say("Kết nối", "Connection");
  constexpr const char* kFlags[] = {"--intake", "--routing", "--deadline", "--notification"};
  for (size_t i = 0; i < kServices.size(); ++i)
    app.add_option(kFlags[i], settings.addresses[i], "host:port")->group(group);
  app.add_option("--token", settings.token, settings.Say("Thẻ (bearer)", "Bearer token"))->group(group);
  app.add_option("--token-file", settings.token_file, settings.Say("Tệp chứa thẻ", "File with the token"))
      ->group(group);
  app.add_option("--tls-ca", settings.tls_ca, "PEM")->group(group);
  app.add_option("--tls-cert", settings.tls_cert, "PEM")->group(group);
  app.add_option("--tls-key", settings.tls_key, "PEM")->group(group);
  app.add_option("--signing-key", settings.signing_key,
                 settings.Say("Khóa ký thẻ phát triển, PEM", "Development signing key, PEM"))
      ->group(group);
  app.add_option("--signing-kid", settings.signing_kid,
                 settings.Say("Mã của khóa ký", "Id of the signing key"))
      ->group(group);
  app.add_option_function<double>(
         "--patience", [&settings](double seconds) { settings.patience = absl::Seconds(seconds); },
         settings.Say("Giây gọi lại khi dịch vụ vắng mặt",
                      "Seconds for which a call is repeated while its service is away"))
      ->group(group)
      ->check(CLI::Range(0.0, 3600.0));
}

int Main(int argc, char** argv) {
  Settings settings = SettingsFromEnvironment();
  ReadLanguage(argc, argv, settings);
  CLI::App app(settings.Say(kAboutVi, kAboutEn), "motcua");
  app.fallthrough();
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  std::string language;
  AddSettings(app, settings, language);
  Program program(app, settings);
  AddIntakeCommands(program);
  AddRoutingCommands(program);
  AddDeadlineCommands(program);
  AddNotificationCommands(program);
  AddReferenceCommands(program);
  AddSystemCommands(program);
  AddSuccessionCommands(program);
  AddReplayCommands(program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  return program.Dispatch();
}

}  // namespace
}  // namespace motcua::client

int main(int argc, char** argv) { return motcua::client::Main(argc, argv); }
