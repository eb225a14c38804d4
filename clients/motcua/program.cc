#include <iostream>

#include "absl/strings/str_split.h"
#include "clients/motcua/commands.h"
#include "common/reference/zone.h"
#include "common/status/errors.h"
#include "common/telemetry/trace.h"

namespace motcua::client {

CLI::App* Program::Add(const std::string& path, const std::string& group, const char* vi, const char* en,
                       const std::string& example) {
  CLI::App* at = &app_;
  const std::vector<std::string> words = absl::StrSplit(path, ' ');
  for (size_t i = 0; i < words.size(); ++i) {
    const auto known = at->get_subcommands([&](CLI::App* command) { return command->check_name(words[i]); });
    CLI::App* next = known.empty() ? at->add_subcommand(words[i], settings_.Say(vi, en)) : known.front();
    if (i == 0 && known.empty()) next->group(group);
    at = next;
    if (i + 1 < words.size()) at->require_subcommand(1);
  }
  at->description(settings_.Say(vi, en));
  if (!example.empty()) at->footer(std::string(settings_.Say("Ví dụ:\n  ", "Example:\n  ")) + example);
  return at;
}

void Program::OnRun(CLI::App* command, Run run) {
  // One that has commands below it is run only where none of these was given.
  command->callback([this, command, run = std::move(run)] {
    if (command->get_subcommands().empty()) chosen_ = run;
  });
}

int Program::Dispatch() {
  if (!chosen_) return kExitUsage;
  const int code = chosen_();
  if (settings_.verbose && !trace_told_) {
    std::cerr << Label("trace", settings_.english) << ": " << telemetry::TraceId(settings_.traceparent)
              << "\n";
  }
  return code;
}

std::unique_ptr<Session> Program::OpenSession() {
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Open(settings_);
  if (session.ok()) return *std::move(session);
  Fail(session.status());
  return nullptr;
}

int Program::Fail(const absl::Status& status) {
  const bool ours = absl::IsInvalidArgument(status) && errors::Reason(status).empty();
  const std::string_view trace = ours ? std::string_view() : telemetry::TraceId(settings_.traceparent);
  PrintError(status, ViewOf(absl::UTCTimeZone()), settings_.json, trace, std::cerr);
  trace_told_ = trace_told_ || !ours;
  return ours ? kExitUsage : kExitFailed;
}

}  // namespace motcua::client
