#include "clients/motcua/story_teller.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "clients/motcua/feed_scan.h"
#include "clients/motcua/output.h"
#include "common/reference/sample.h"
#include "common/reference/zone.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/admin/v1/admin.pb.h"

namespace motcua::client {
namespace {

constexpr char kShard[] = "H30";

std::string Padded(const std::string& text, size_t width) {
  return Width(text) < width ? text + std::string(width - Width(text), ' ') : text;
}

}  // namespace

StoryTeller::StoryTeller(Session& session)
    : session_(session),
      zone_(reference::FindTimeZone("").value_or(absl::UTCTimeZone())),
      now_(absl::InfinitePast()) {}

void StoryTeller::Fail(const std::string& what) {
  if (ok()) status_ = absl::FailedPreconditionError(what);
}

void StoryTeller::Expect(bool condition, const char* vi, const char* en) {
  if (!condition) Fail(Say("không như mong đợi: ", "not as it should be: ") + Say(vi, en));
}

void StoryTeller::Call(Service service, const google::protobuf::Message& request,
                       google::protobuf::Message& response, const std::string& as) {
  const absl::Status status = session_.Ask(service, request, response, as);
  if (!status.ok()) status_ = errors::Prefixed(status, request.GetDescriptor()->name());
}

void StoryTeller::GoTo(absl::Time time) {
  admin::v1::AdvanceRequest request;
  *request.mutable_to() = time::ToTimestamp(time);
  for (Service service : kServices) {
    admin::v1::AdvanceResponse response;
    if (ok()) Call(service, request, response, "");
  }
  if (ok()) now_ = time;
}

void StoryTeller::Later(int working_days, int hour, int minute) {
  const time::Calendar& calendar = reference::DefaultCalendar();
  const absl::StatusOr<absl::CivilDay> day =
      calendar.AddWorkingDays(absl::ToCivilDay(now_, zone_), working_days);
  if (!day.ok()) return Fail(std::string(day.status().message()));
  GoTo(absl::FromCivil(absl::CivilSecond(*day) + 3600 * hour + 60 * minute, zone_));
}

void StoryTeller::Begin() {
  absl::Time latest = absl::FromCivil(absl::CivilDay(2026, 7, 3), zone_);
  for (Service service : kServices) {
    admin::v1::GetStatusResponse status;
    if (ok()) Call(service, admin::v1::GetStatusRequest(), status, "");
    if (ok() && !status.simulated_time())
      Fail(absl::StrCat(NameOf(service),
                        Say(" không chạy thời gian mô phỏng", " does not run on simulated time")));
    latest = std::max(latest, time::FromTimestamp(status.now()));
  }
  now_ = latest;
  Later(1, 8, 30);
}

routing::v1::Route StoryTeller::Route() {
  return Ask<routing::v1::GetRouteResponse>(About<routing::v1::GetRouteRequest>()).route();
}

deadline::v1::Clock StoryTeller::Clock() {
  return Ask<deadline::v1::GetClockResponse>(About<deadline::v1::GetClockRequest>()).clock();
}

std::vector<feed::v1::AlertRaised> StoryTeller::Alerts(feed::v1::AlertKind kind) {
  std::vector<feed::v1::AlertRaised> alerts;
  if (!ok()) return alerts;
  const absl::StatusOr<uint64_t> scanned =
      ScanFeed(session_, Service::kDeadlineMonitor, kShard,
               [&](const feed::v1::Event& event) {
                 const feed::v1::AlertRaised& alert = event.alert_raised();
                 if (event.has_alert_raised() && event.subject() == dossier_ && alert.kind() == kind &&
                     alert.item().empty())
                   alerts.push_back(alert);
               },
               {dossier_});
  if (!scanned.ok()) status_ = scanned.status();
  return alerts;
}

std::vector<notification::v1::InboxMessage> StoryTeller::Messages(const std::string& event,
                                                                  const std::string& recipient) {
  std::vector<notification::v1::InboxMessage> found;
  const auto all = Ask<notification::v1::ListDossierMessagesResponse>(
      About<notification::v1::ListDossierMessagesRequest>());
  for (const notification::v1::InboxMessage& message : all.messages()) {
    if (message.event() == event && (recipient.empty() || message.recipient() == recipient))
      found.push_back(message);
  }
  return found;
}

std::string StoryTeller::When(const google::protobuf::Timestamp& timestamp) const {
  return FormatLocal(time::FromTimestamp(timestamp), zone_);
}

void StoryTeller::Tell(const std::string& holder, const std::string& text) {
  if (!ok()) return;
  std::cout << absl::FormatTime("%Y-%m-%d %H:%M", now_, zone_) << "  " << Padded(holder, 11) << text
            << std::endl;
}

void StoryTeller::Remark(const std::string& text) {
  if (ok()) std::cout << std::string(29, ' ') << text << std::endl;
}

}  // namespace motcua::client
