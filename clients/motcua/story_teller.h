// What the story needs to be told: simulated time in working days, calls as officers, checks, one line a
// step.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/session.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {

// Every method that can fail does nothing more after the first failure, which `status` keeps: the plot reads
// as a list of steps. Not thread-safe.
class StoryTeller {
 public:
  explicit StoryTeller(Session& session);

  const absl::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  Session& session() { return session_; }
  bool english() const { return session_.settings().english; }
  void set_dossier(const std::string& code) { dossier_ = code; }
  const std::string& dossier() const { return dossier_; }
  absl::Time now() const { return now_; }
  const absl::TimeZone& zone() const { return zone_; }

  // Moves all services to the time and waits until they have caught up.
  void GoTo(absl::Time time);
  // To this many working days later, at this local time.
  void Later(int working_days, int hour, int minute);
  // To the first working day that begins after the system's present time.
  void Begin();

  // The failure of a step ends the story.
  void Fail(const std::string& what);
  void Expect(bool condition, const char* vi, const char* en);

  // Calls as `<agency>-<role>`.
  template <class Response>
  Response Act(const google::protobuf::Message& request, const std::string& agency, const std::string& role) {
    Response response;
    if (ok())
      Call(ServiceOf(request.GetDescriptor()), request, response,
           agency + "-" + role + "@" + agency + ":" + role);
    return response;
  }
  // A request about the dossier, with a new request id.
  template <class Request>
  Request About() const {
    Request request;
    if constexpr (requires { request.set_request_id(""); }) request.set_request_id(NewRequestId());
    request.set_dossier(dossier_);
    return request;
  }
  // Questions, as the jurisdiction's operator.
  template <class Response>
  Response Ask(const google::protobuf::Message& request) {
    Response response;
    if (ok()) Call(ServiceOf(request.GetDescriptor()), request, response, "");
    return response;
  }

  routing::v1::Route Route();
  deadline::v1::Clock Clock();
  // Alerts of the dossier as a whole, in the monitor's feed.
  std::vector<feed::v1::AlertRaised> Alerts(feed::v1::AlertKind kind);
  // Messages about the dossier that tell of an event, to a recipient (empty = to anybody).
  std::vector<notification::v1::InboxMessage> Messages(const std::string& event,
                                                       const std::string& recipient = "");

  // `time  holder  text`.
  void Tell(const std::string& holder, const std::string& text);
  // Below a step.
  void Remark(const std::string& text);
  std::string Say(const char* vi, const char* en) const { return session_.settings().Say(vi, en); }
  // Local date and time.
  std::string When(const google::protobuf::Timestamp& timestamp) const;

 private:
  void Call(Service service, const google::protobuf::Message& request, google::protobuf::Message& response,
            const std::string& as);

  Session& session_;
  absl::Status status_;
  absl::TimeZone zone_;
  absl::Time now_;
  std::string dossier_;
};

}  // namespace motcua::client
