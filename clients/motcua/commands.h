// The commands of `motcua`: a table of those that are one call each, and functions for the others.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "clients/motcua/output.h"
#include "clients/motcua/session.h"
#include "clients/motcua/settings.h"
#include "google/protobuf/descriptor.h"

namespace motcua::client {

// Exit codes of the program.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// What the chosen command does once the command line is read; returns the exit code.
using Run = std::function<int()>;

// Where commands are registered. Lives as long as the CLI::App.
class Program {
 public:
  Program(CLI::App& app, Settings& settings) : app_(app), settings_(settings) {}

  Settings& settings() { return settings_; }

  // The subcommand of a path such as `message read`, made where it is not there. `example` is shown below the
  // help.
  CLI::App* Add(const std::string& path, const std::string& group, const char* vi, const char* en,
                const std::string& example);
  // Registers what `command` does.
  void OnRun(CLI::App* command, Run run);
  // Runs what was chosen; usage error where nothing was.
  int Dispatch();

  // A session, or nullptr after telling the error.
  std::unique_ptr<Session> OpenSession();
  // Tells an error on standard error, with its trace where a service may know of it; returns kExitFailed, or
  // kExitUsage for what never left this program.
  int Fail(const absl::Status& status);
  View ViewOf(const absl::TimeZone& zone) const { return {settings_.english, zone}; }

 private:
  CLI::App& app_;
  Settings& settings_;
  Run chosen_;
  bool trace_told_ = false;
};

// A command that is one call: its flags are the fields of the request.
struct CallCommand {
  const char* path;
  const char* vi;
  const char* en;
  const google::protobuf::Descriptor* request;
  // Fields given without a flag, in order.
  std::vector<const char*> positionals;
  // The list of the reply to print as a table, and the paths of its columns; empty = every field, one a line.
  const char* list;
  std::vector<const char*> columns;
  const char* example;
};

void AddCalls(Program& program, const std::string& group, const std::vector<CallCommand>& commands);

// `motcua health`: what grpc.health.v1 says of a service, on one line of standard output. `name`: how the
// line begins. No token. Exit code.
int CheckHealth(const Settings& settings, const std::string& name, const std::string& address,
                absl::Duration timeout);

// By service.
void AddIntakeCommands(Program& program);
void AddRoutingCommands(Program& program);
void AddDeadlineCommands(Program& program);
void AddNotificationCommands(Program& program);
// succession.
void AddSuccessionCommands(Program& program);
// due, reference; status, health, advance, token, feed; replay, verify, story.
void AddReferenceCommands(Program& program);
void AddSystemCommands(Program& program);
void AddReplayCommands(Program& program);

// Help of a flag by the name of its field.
std::string FlagHelp(const std::string& field, bool english);

}  // namespace motcua::client
