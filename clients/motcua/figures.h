// What the system says about a replayed log, beside what an oracle says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/motcua/replay_plan.h"
#include "clients/motcua/session.h"

namespace motcua::client {

// Figures by name (`channels.Desk`), as texts.
using Figures = std::map<std::string, std::string>;

// How the log wrote its channels, by their ids.
std::map<std::string, std::string> ChannelTexts(const Plan& plan);

// Asks all services for their statistics: every figure is theirs. Besides the oracle's figures:
// `overdue.alerts` (OVERDUE alerts of dossiers), `overdue.counted` (dossiers that had one),
// `overdue.messages` (messages that tell of them). A channel that has no text keeps its id.
absl::StatusOr<Figures> FiguresOfSystem(Session& session, const std::string& shard,
                                        const std::map<std::string, std::string>& channels);

// The same from the oracle's JSON; each `overdue.*` must be ended_late + open_overdue.
absl::StatusOr<Figures> FiguresOfOracle(const std::string& json);

// Runs `command` with the path as its last argument and returns what it prints.
absl::StatusOr<std::string> RunOracle(const std::string& command, const std::string& path);

struct FigureLine {
  std::string name;
  std::string system;
  std::string oracle;
  // A number that is missing on one side is 0 there.
  bool same = false;
};
std::vector<FigureLine> Compare(const Figures& system, const Figures& oracle);

}  // namespace motcua::client
