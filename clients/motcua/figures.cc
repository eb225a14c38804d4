#include "clients/motcua/figures.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/motcua/replay_reference.h"
#include "common/time/timestamp.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

// As Python writes it: `2012-01-23T15:42:54.644000+01:00`.
std::string IsoTime(absl::Time time, const absl::TimeZone& zone) {
  const bool whole = absl::ToUnixMicros(time) % 1'000'000 == 0;
  return absl::FormatTime(whole ? "%Y-%m-%dT%H:%M:%S%Ez" : "%Y-%m-%dT%H:%M:%E6S%Ez", time, zone);
}

template <class Request>
Request Of(const std::string& shard) {
  Request request;
  request.set_shard(shard);
  return request;
}

absl::Status AskDeadlines(Session& session, const std::string& shard, Figures& figures) {
  const auto agencies = session.AgenciesOf(shard);
  if (!agencies.ok()) return agencies.status();
  const auto deadlines =
      session.Ask<deadline::v1::GetStatisticsResponse>(Of<deadline::v1::GetStatisticsRequest>(shard));
  if (!deadlines.ok()) return deadlines.status();
  figures["ended"] = absl::StrCat(deadlines->ended());
  figures["open"] = absl::StrCat(deadlines->open());
  figures["ended_late"] = absl::StrCat(deadlines->ended_late());
  figures["open_overdue"] = absl::StrCat(deadlines->open_overdue());
  figures["due_date_changed"] = absl::StrCat(deadlines->due_changed());
  const auto overdue = deadlines->alerts().find("OVERDUE");
  figures["overdue.alerts"] = absl::StrCat(overdue == deadlines->alerts().end() ? 0 : overdue->second);
  figures["overdue.counted"] = absl::StrCat(deadlines->ever_overdue());
  for (const auto& [month, count] : deadlines->ended_late_by_month()) {
    figures["ended_late_by_month." + month] = absl::StrCat(count);
  }
  for (const reference::v1::Agency& agency : *agencies) {
    const auto held = deadlines->agencies().find(agency.id());
    if (held == deadlines->agencies().end() || held->second.held_micros() == 0) continue;
    const double seconds = static_cast<double>(held->second.held_micros()) / 1e6;
    figures["held_seconds." + agency.name()] = absl::StrCat(static_cast<int64_t>(std::nearbyint(seconds)));
  }
  figures["now"] = IsoTime(time::FromTimestamp(deadlines->as_of()), session.ZoneOf(shard));
  return absl::OkStatus();
}

void Flatten(const nlohmann::json& json, const std::string& prefix, Figures& figures) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object()) {
      Flatten(value, prefix + name + ".", figures);
    } else {
      figures[prefix + name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
}

int64_t Number(const Figures& figures, const std::string& name) {
  const auto found = figures.find(name);
  return found == figures.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

}  // namespace

std::map<std::string, std::string> ChannelTexts(const Plan& plan) {
  const ReplayNames names = NamesOf(plan);
  std::map<std::string, std::string> texts;
  for (size_t i = 0; i < plan.channels.size(); ++i) texts[names.channels[i]] = plan.channels[i].text;
  return texts;
}

absl::StatusOr<Figures> FiguresOfSystem(Session& session, const std::string& shard,
                                        const std::map<std::string, std::string>& channels) {
  Figures figures;
  const auto intakes =
      session.Ask<intake::v1::GetStatisticsResponse>(Of<intake::v1::GetStatisticsRequest>(shard));
  if (!intakes.ok()) return intakes.status();
  figures["dossiers"] = absl::StrCat(intakes->dossiers());
  for (const auto& [id, count] : intakes->by_channel()) {
    const auto text = channels.find(id);
    figures["channels." + (text == channels.end() ? id : text->second)] = absl::StrCat(count);
  }
  const auto routes =
      session.Ask<routing::v1::GetStatisticsResponse>(Of<routing::v1::GetStatisticsRequest>(shard));
  if (!routes.ok()) return routes.status();
  figures["hand_overs"] = absl::StrCat(routes->hand_overs());
  figures["activities_done"] = absl::StrCat(routes->work_done());
  figures["activities_refused"] = absl::StrCat(routes->work_refused());
  if (absl::Status asked = AskDeadlines(session, shard, figures); !asked.ok()) return asked;
  const auto messages =
      session.Ask<notification::v1::GetStatisticsResponse>(Of<notification::v1::GetStatisticsRequest>(shard));
  if (!messages.ok()) return messages.status();
  const auto overdue = messages->by_event().find("Overdue");
  figures["overdue.messages"] = absl::StrCat(overdue == messages->by_event().end() ? 0 : overdue->second);
  return figures;
}

absl::StatusOr<Figures> FiguresOfOracle(const std::string& json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::InvalidArgumentError("the oracle did not print a JSON object");
  Figures figures;
  Flatten(parsed, "", figures);
  const int64_t overdue = Number(figures, "ended_late") + Number(figures, "open_overdue");
  for (const char* name : {"alerts", "counted", "messages"}) {
    figures[absl::StrCat("overdue.", name)] = absl::StrCat(overdue);
  }
  return figures;
}

absl::StatusOr<std::string> RunOracle(const std::string& command, const std::string& path) {
  const std::string quoted = absl::StrCat("'", absl::StrReplaceAll(path, {{"'", "'\\''"}}), "'");
  std::FILE* pipe = popen(absl::StrCat(command, " ", quoted).c_str(), "r");
  if (pipe == nullptr) return absl::UnavailableError("the oracle could not be started");
  constexpr size_t kMost = 16 << 20;
  std::string output;
  char buffer[4096];
  for (size_t n; output.size() < kMost && (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.append(buffer, n);
  if (const int status = pclose(pipe); status != 0) {
    return absl::FailedPreconditionError(absl::StrCat("the oracle (", command, ") failed"));
  }
  return output;
}

std::vector<FigureLine> Compare(const Figures& system, const Figures& oracle) {
  std::map<std::string, FigureLine> lines;
  for (const auto& [name, value] : system) lines[name].system = value;
  for (const auto& [name, value] : oracle) lines[name].oracle = value;
  std::vector<FigureLine> result;
  for (auto& [name, line] : lines) {
    line.name = name;
    const auto or_zero = [](const std::string& text) { return text.empty() ? std::string("0") : text; };
    line.same = or_zero(line.system) == or_zero(line.oracle);
    result.push_back(line);
  }
  return result;
}

}  // namespace motcua::client
