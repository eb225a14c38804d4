#include "clients/motcua/verify.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "clients/motcua/alert_tally.h"
#include "clients/motcua/feed_scan.h"
#include "clients/motcua/progress.h"
#include "common/store/epochs.h"
#include "common/store/keys.h"
#include "common/time/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

constexpr size_t kMaxListed = 100;
// A million dossiers take a minute.
constexpr absl::Duration kLongestCheck = absl::Hours(1);

// What was acknowledged of one record: the highest version.
using Versions = std::map<std::pair<std::string, std::string>, uint64_t>;

template <class Request>
Request About(const std::string& dossier) {
  Request request;
  request.set_dossier(dossier);
  return request;
}

// Up to which position the feed has what was read in an epoch: see FeedService.
std::optional<uint64_t> EndOf(const admin::v1::FeedStatus& feed, uint64_t epoch) {
  if (epoch == feed.epoch() || epoch == 0) return feed.position();
  store::FeedHistory history;
  history.epoch = feed.epoch();
  for (const feed::v1::EpochEnd& ended : feed.ended())
    history.ended.emplace_back(ended.epoch(), ended.position());
  history.cut = history.ended.size() >= static_cast<size_t>(store::Epochs::kKept);
  return history.CommonEnd(epoch);
}

class Checker {
 public:
  Checker(Session& session, std::string shard) : session_(session), shard_(std::move(shard)) {}

  absl::StatusOr<Verification> Check(const std::string& acknowledged) {
    if (!acknowledged.empty()) {
      if (absl::Status read = ReadAcknowledged(acknowledged); !read.ok()) return read;
    }
    const auto before = Statistics();
    if (!before.ok()) return before.status();
    if (absl::Status listed = ListDossiers(); !listed.ok()) return listed;
    result_.dossiers = dossiers_.size();
    Progress progress(session_.settings().Say("Kiểm tra", "Verify"), dossiers_.size(),
                      session_.settings().english);
    for (size_t i = 0; i < dossiers_.size(); ++i) {
      if (absl::Status checked = CheckDossier(dossiers_[i]); !checked.ok()) return checked;
      progress.Show(i + 1);
    }
    for (const auto& [key, version] : acknowledged_) {
      Report(absl::StrCat(key.second, ": ", key.first, " acknowledged version ", version,
                          ", but there is no such dossier"));
    }
    if (absl::Status compared = CompareAlerts(*before); !compared.ok()) return compared;
    if (absl::Status scanned = CheckAlerts(); !scanned.ok()) return scanned;
    if (absl::Status compared = CheckCursors(); !compared.ok()) return compared;
    for (Service service : kServices) {
      if (absl::Status listed = CheckLists(service); !listed.ok()) return listed;
    }
    return std::move(result_);
  }

 private:
  void Report(const std::string& what) {
    if (result_.violations.size() < kMaxListed) {
      result_.violations.push_back(what);
    } else {
      ++result_.omitted;
    }
  }

  // Lines that were torn when the writer died are the only ones that may be malformed, and only the last can
  // be.
  absl::Status ReadAcknowledged(const std::string& path) {
    std::ifstream file(path);
    if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
    std::map<std::pair<std::string, uint64_t>, std::string> writers;
    std::map<std::string, uint64_t> ends;
    for (std::string line; std::getline(file, line);) {
      const nlohmann::json reply = nlohmann::json::parse(line, nullptr, false);
      if (!reply.is_object()) continue;
      ++result_.acknowledged;
      const std::string service = reply.value("service", "");
      const std::string request = reply.value("request_id", "");
      uint64_t& version = acknowledged_[{service, reply.value("subject", "")}];
      version = std::max(version, reply.value("version", uint64_t{0}));
      const uint64_t position = reply.value("feed_position", uint64_t{0});
      if (position == 0) continue;
      uint64_t& end = ends[service];
      end = std::max(end, position);
      const auto [writer, added] = writers.try_emplace({service, position}, request);
      if (!added && writer->second != request) {
        Report(absl::StrCat(service, ": position ", position, " was acknowledged to ", writer->second,
                            " and to ", request));
      }
    }
    for (Service service : kServices) {
      const auto acknowledged = ends.find(NameOf(service));
      if (acknowledged == ends.end()) continue;
      const absl::StatusOr<uint64_t> end = EndOfFeed(session_, service, shard_);
      if (!end.ok()) return end.status();
      if (*end < acknowledged->second) {
        Report(absl::StrCat(NameOf(service), ": the feed ends at ", *end, ", acknowledged was ",
                            acknowledged->second));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ListDossiers() {
    const auto agencies = session_.AgenciesOf(shard_);
    if (!agencies.ok()) return agencies.status();
    for (const reference::v1::Agency& agency : *agencies) {
      // What an agency received lies in the shard of its own code; the jurisdiction may have others.
      if (store::ShardOf(agency.id()) != shard_) continue;
      intake::v1::ListDossiersRequest request;
      request.set_agency(agency.id());
      request.set_page_size(200);
      do {
        const auto page = session_.Ask<intake::v1::ListDossiersResponse>(request);
        if (!page.ok()) return page.status();
        for (const intake::v1::Dossier& dossier : page->dossiers()) {
          // Only accepted dossiers have a route and a clock.
          if (dossier.has_accepted_at()) dossiers_.push_back(dossier);
        }
        request.set_page_token(page->next_page_token());
      } while (!request.page_token().empty());
    }
    return absl::OkStatus();
  }

  void CheckVersion(Service service, const std::string& code, uint64_t version) {
    const auto found = acknowledged_.find({NameOf(service), code});
    if (found == acknowledged_.end()) return;
    if (version < found->second) {
      Report(absl::StrCat(code, ": ", NameOf(service), " has version ", version, ", acknowledged was ",
                          found->second));
    }
    acknowledged_.erase(found);
  }

  void CheckCustody(const routing::v1::Route& route, const routing::v1::GetCustodyResponse& ledger) {
    const std::string& code = route.dossier();
    if (ledger.lines().empty() || route.holder().empty())
      return Report(absl::StrCat(code, ": nobody holds it"));
    absl::Time until = time::FromTimestamp(route.received_at());
    for (int i = 0; i < ledger.lines_size(); ++i) {
      const routing::v1::CustodyLine& line = ledger.lines(i);
      const bool last = i + 1 == ledger.lines_size();
      if (time::FromTimestamp(line.since()) != until)
        Report(absl::StrCat(code, ": custody line ", i + 1, " leaves a gap"));
      if (line.has_until() == (last && !route.has_ended_at())) {
        Report(absl::StrCat(code, ": custody line ", i + 1, " of ", ledger.lines_size(),
                            line.has_until() ? " has ended" : " is open"));
      }
      until = time::FromTimestamp(line.until());
    }
    if (ledger.lines(ledger.lines_size() - 1).agency() != route.holder()) {
      Report(absl::StrCat(code, ": the ledger's last holder is ",
                          ledger.lines(ledger.lines_size() - 1).agency(), ", the route's ", route.holder()));
    }
  }

  // Returns the history.
  template <class Request, class Response>
  absl::StatusOr<common::v1::History> CheckHistory(const std::string& code, const char* service) {
    auto response = session_.Ask<Response>(About<Request>(code));
    if (!response.ok()) return response.status();
    common::v1::History history = std::move(*response->mutable_history());
    ++result_.histories;
    if (!history.verified() || history.entries().empty())
      Report(absl::StrCat(code, ": its history in ", service, " does not verify"));
    return history;
  }

  absl::StatusOr<deadline::v1::GetStatisticsResponse> Statistics() {
    deadline::v1::GetStatisticsRequest request;
    request.set_shard(shard_);
    auto statistics = session_.Ask<deadline::v1::GetStatisticsResponse>(request);
    // Time goes on also where nothing happens.
    if (!statistics.ok()) return statistics;
    statistics->clear_as_of();
    statistics->clear_agencies();
    return statistics;
  }

  // What the dossiers' histories have against what the monitor counts; where it counted on meanwhile they say
  // nothing.
  absl::Status CompareAlerts(const deadline::v1::GetStatisticsResponse& before) {
    result_.alerts = tally_.alerts();
    const auto after = Statistics();
    if (!after.ok()) return after.status();
    if (!google::protobuf::util::MessageDifferencer::Equals(before, *after)) {
      result_.unchecked.push_back(
          "dossiers were changed meanwhile: the monitor's counts of alerts were not compared");
      return absl::OkStatus();
    }
    for (const std::string& violation : tally_.Compare(*after)) Report(violation);
    return absl::OkStatus();
  }

  absl::Status CheckMessages(const std::string& code) {
    const auto messages = session_.Ask<notification::v1::ListDossierMessagesResponse>(
        About<notification::v1::ListDossierMessagesRequest>(code));
    if (!messages.ok()) return messages.status();
    std::set<std::string> ids;
    for (const notification::v1::InboxMessage& message : messages->messages()) {
      ++result_.messages;
      if (!ids.insert(message.id()).second)
        Report(absl::StrCat(code, ": message ", message.id(), " exists twice"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckDossier(const intake::v1::Dossier& dossier) {
    const std::string& code = dossier.code();
    const auto routed =
        session_.Ask<routing::v1::GetRouteResponse>(About<routing::v1::GetRouteRequest>(code));
    if (!routed.ok()) return routed.status();
    const routing::v1::Route& route = routed->route();
    const auto ledger =
        session_.Ask<routing::v1::GetCustodyResponse>(About<routing::v1::GetCustodyRequest>(code));
    if (!ledger.ok()) return ledger.status();
    const auto clock =
        session_.Ask<deadline::v1::GetClockResponse>(About<deadline::v1::GetClockRequest>(code));
    if (!clock.ok()) return clock.status();
    CheckCustody(route, *ledger);
    if (clock->clock().holder() != route.holder()) {
      Report(absl::StrCat(code, ": routing's holder is ", route.holder(), ", the monitor's ",
                          clock->clock().holder()));
    }
    CheckVersion(Service::kIntake, code, dossier.version());
    CheckVersion(Service::kRouting, code, route.version());
    CheckVersion(Service::kDeadlineMonitor, code, clock->clock().version());
    absl::Status checked =
        CheckHistory<intake::v1::GetHistoryRequest, intake::v1::GetHistoryResponse>(code, "intake").status();
    if (checked.ok())
      checked = CheckHistory<routing::v1::GetHistoryRequest, routing::v1::GetHistoryResponse>(code, "routing")
                    .status();
    if (!checked.ok()) return checked;
    const auto history = CheckHistory<deadline::v1::GetHistoryRequest, deadline::v1::GetHistoryResponse>(
        code, "deadline-monitor");
    if (!history.ok()) return history.status();
    for (const std::string& violation : tally_.Add(clock->clock(), *history)) Report(violation);
    return CheckMessages(code);
  }

  absl::Status CheckLists(Service service) {
    admin::v1::CheckListsRequest request;
    request.set_shard(shard_);
    admin::v1::CheckListsResponse checked;
    const absl::Status asked = session_.Ask(service, request, checked, "", kLongestCheck);
    if (!asked.ok()) return asked;
    result_.entries += checked.entries() + checked.counters();
    for (const std::string& violation : checked.violations())
      Report(absl::StrCat(NameOf(service), ": ", violation));
    result_.omitted += checked.omitted();
    if (checked.leftovers())
      Report(absl::StrCat(NameOf(service), ": lists of an earlier definition are left"));
    return absl::OkStatus();
  }

  absl::Status CheckAlerts() {
    std::set<std::string> seen;
    const absl::StatusOr<uint64_t> trimmed =
        ScanFeed(session_, Service::kDeadlineMonitor, shard_, [&](const feed::v1::Event& event) {
          if (!event.has_alert_raised()) return;
          const feed::v1::AlertRaised& alert = event.alert_raised();
          // A leg may be begun more than once (custody comes back), each time with a due moment of its own.
          const std::string key = absl::StrCat(
              event.subject(), "/", alert.item(), "/", feed::v1::AlertKind_Name(alert.kind()), "/",
              alert.due_version(), alert.item().empty() ? "" : alert.due().SerializeAsString());
          if (!seen.insert(key).second) {
            Report(absl::StrCat(event.subject(), ": ", feed::v1::AlertKind_Name(alert.kind()), " ",
                                alert.item(), " was raised twice"));
          }
        });
    if (!trimmed.ok()) return trimmed.status();
    if (*trimmed > 0) {
      result_.unchecked.push_back(
          "the monitor's feed keeps no longer its first events: whether each alert among them was told once");
    }
    return absl::OkStatus();
  }

  // No consumer stands behind what its source has of the same epoch: what a source has lost is reported, and
  // the cursor moved back, as soon as the consumer hears of it.
  absl::Status CheckCursors() {
    std::map<std::string, admin::v1::GetStatusResponse> all;
    for (Service service : kServices) {
      admin::v1::GetStatusResponse& status = all[NameOf(service)];
      if (absl::Status asked = session_.Ask(service, admin::v1::GetStatusRequest(), status); !asked.ok())
        return asked;
    }
    for (const auto& [name, status] : all) {
      for (const admin::v1::ConsumerStatus& consumer : status.consumers()) {
        if (consumer.shard() != shard_) continue;
        ++result_.cursors;
        const auto source = all.find(consumer.source());
        if (source == all.end()) continue;
        for (const admin::v1::FeedStatus& feed : source->second.feeds()) {
          if (feed.shard() == shard_) CompareCursor(name, consumer, feed);
        }
      }
    }
    return absl::OkStatus();
  }

  void CompareCursor(const std::string& name, const admin::v1::ConsumerStatus& consumer,
                     const admin::v1::FeedStatus& feed) {
    const std::string who = absl::StrCat(name, " on the feed of ", consumer.source());
    if (consumer.lost().total() > 0) {
      result_.notes.push_back(absl::StrCat(who, ": ", consumer.lost().total(),
                                           " events were applied that the source has lost, the last time ",
                                           consumer.lost().first(), " to ", consumer.lost().last()));
    }
    if (consumer.applied() == 0) return;
    const std::optional<uint64_t> end = EndOf(feed, consumer.epoch());
    if (!end.has_value()) {
      Report(absl::StrCat(who, ": is in epoch ", consumer.epoch(), ", which the source does not know"));
    } else if (consumer.applied() > *end) {
      Report(absl::StrCat(who, ": has applied ", consumer.applied(), ", but the source has only ", *end,
                          " of that epoch"));
    }
  }

  Session& session_;
  const std::string shard_;
  Verification result_;
  Versions acknowledged_;
  AlertTally tally_;
  std::vector<intake::v1::Dossier> dossiers_;
};

}  // namespace

absl::StatusOr<Verification> Verify(Session& session, const std::string& shard,
                                    const std::string& acknowledged) {
  return Checker(session, shard).Check(acknowledged);
}

}  // namespace motcua::client
