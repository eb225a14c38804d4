// What the system says about a replayed log, beside what an oracle says.
#ifndef MOTCUA_CLIENTS_MOTCUA_FIGURES_H_
#define MOTCUA_CLIENTS_MOTCUA_FIGURES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/motcua/session.h"

namespace motcua::client {

// Figures by name (`channels.Desk`), as texts.
using Figures = std::map<std::string, std::string>;

// Asks all services; every figure comes from their answers. Besides the oracle's figures: `overdue.alerts`
// (OVERDUE alerts of dossiers in the monitor's feed), `overdue.dossiers` (dossiers they are about),
// `overdue.counted` (the monitor's own count), `overdue.messages` (messages that tell of them).
absl::StatusOr<Figures> FiguresOfSystem(Session& session, const std::string& shard);

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

#endif  // MOTCUA_CLIENTS_MOTCUA_FIGURES_H_
