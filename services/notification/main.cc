#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "common/service/main.h"
#include "common/status/errors.h"
#include "services/notification/announcer.h"
#include "services/notification/delivery_worker.h"
#include "services/notification/inbox_watch.h"
#include "services/notification/mail.h"
#include "services/notification/notification_projection.h"
#include "services/notification/notification_service.h"
#include "services/notification/notifications.h"
#include "services/notification/policy.h"
#include "services/notification/transport.h"

namespace motcua::notification {
namespace {

std::vector<rpc::ExtraFlag> Flags() {
  std::vector<rpc::ExtraFlag> flags;
  flags.emplace_back("smtp_url", "Mail server, smtp://HOST:PORT or smtps://HOST:PORT; empty: no e-mail is sent.");
  flags.emplace_back("smtp_from", "Sender's address of e-mails.", "motcua@localhost.localdomain");
  flags.emplace_back("smtp_user", "User at the mail server; the connection is then encrypted.");
  flags.emplace_back("smtp_password", "The user's password.", "", /*secret=*/true);
  flags.emplace_back("webhook_secret", "Key of the signature (HMAC-SHA256) of webhooks; empty: unsigned.", "",
                     /*secret=*/true);
  flags.emplace_back("webhook_allow_private",
                     "true: webhooks may lead to loopback and private addresses. For tests and closed networks.", "false");
  flags.emplace_back("retry_base", "Pause after the first failed attempt of a delivery; later ones grow fourfold.", "12s");
  flags.emplace_back("delivery_concurrency", "Deliveries attempted at once, 1 to 64.", "8");
  return flags;
}

// What the flags come to.
class Settings {
 public:
  Settings() {}

  ProjectionOptions projection;
  DeliveryOptions delivery;
  TransportOptions transport;
};

absl::StatusOr<Settings> ReadSettings(const std::map<std::string, std::string>& flags) {
  Settings settings;
  errors::Violations violations;
  TransportOptions& transport = settings.transport;
  transport.smtp_url = flags.at("smtp_url");
  transport.smtp_from = flags.at("smtp_from");
  transport.smtp_user = flags.at("smtp_user");
  transport.smtp_password = flags.at("smtp_password");
  transport.webhook_secret = flags.at("webhook_secret");
  settings.projection.channels.email = !transport.smtp_url.empty();
  if (!transport.smtp_url.empty() && transport.smtp_url.rfind("smtp://", 0) != 0 &&
      transport.smtp_url.rfind("smtps://", 0) != 0) {
    violations.Add("smtp_url", "must begin with smtp:// or smtps://");
  }
  if (!IsMailAddress(transport.smtp_from)) violations.Add("smtp_from", "must be a mail address");
  if (!absl::SimpleAtob(flags.at("webhook_allow_private"), &transport.webhook_allow_private)) {
    violations.Add("webhook_allow_private", "must be true or false");
  }
  if (!absl::ParseDuration(flags.at("retry_base"), &settings.delivery.retry.base) ||
      settings.delivery.retry.base <= absl::ZeroDuration()) {
    violations.Add("retry_base", "must be a duration above zero such as 12s");
  }
  uint32_t concurrency = 0;
  if (!absl::SimpleAtoi(flags.at("delivery_concurrency"), &concurrency) || concurrency < 1 || concurrency > 64) {
    violations.Add("delivery_concurrency", "must be 1 to 64");
  }
  settings.delivery.concurrency = concurrency;
  transport.threads = concurrency;
  if (!violations.empty()) {
    std::string all;
    for (const auto& [flag, description] : violations.kept()) all += "--" + flag + ": " + description + "; ";
    return errors::InvalidArgument("BAD_FLAG", all);
  }
  return settings;
}

class Notification final : public service::Service {
 public:
  Notification(service::Environment& environment, Settings settings)
      : backend_(environment.backend),
        watch_(backend_.loop()),
        transport_(backend_.loop(), settings.transport),
        worker_(backend_.loop(), backend_.store(), backend_.catalogues(), transport_, settings.delivery),
        announcer_(backend_.loop(), backend_.subscriptions(), watch_, worker_),
        notifications_(backend_.store(), backend_.catalogues(), watch_),
        grpc_service_(MakeNotificationService(environment.host, notifications_)) {
    for (const std::string& source : backend_.description().sources) {
      projections_.push_back(std::make_unique<NotificationProjection>(
          SourceOf(source), backend_.catalogues(), settings.projection,
          [this](Announcement announcement) { announcer_.Announce(std::move(announcement)); }));
      backend_.Consume(source, *projections_.back());
    }
    ObserveAttempts();
  }

  grpc::Service& grpc_service() override { return *grpc_service_; }
  std::string grpc_service_name() const override { return "motcua.notification.v1.NotificationService"; }
  async::Task<void> Run(async::CancelToken cancel) override { return worker_.Run(std::move(cancel)); }

 private:
  void ObserveAttempts() {
    const auto counter = [this](const char* outcome) {
      return &backend_.metrics().MakeCounter("motcua_delivery_attempts_total", "Attempts of deliveries by outcome.",
                                             {{"outcome", outcome}});
    };
    worker_.OnAttempt([delivered = counter("delivered"), again = counter("failed_for_now"),
                       never = counter("failed_for_good")](const Outcome& outcome) {
      switch (outcome.kind) {
        case Outcome::Kind::kDelivered:
          return delivered->Add(1);
        case Outcome::Kind::kFailedForNow:
          return again->Add(1);
        case Outcome::Kind::kFailedForGood:
          return never->Add(1);
      }
    });
  }

  service::Backend& backend_;
  InboxWatch watch_;
  Transport transport_;
  DeliveryWorker worker_;
  Announcer announcer_;
  Notifications notifications_;
  std::unique_ptr<grpc::Service> grpc_service_;
  std::vector<std::unique_ptr<NotificationProjection>> projections_;
};

absl::StatusOr<std::unique_ptr<service::Service>> Make(service::Environment& environment) {
  absl::StatusOr<Settings> settings = ReadSettings(environment.options.extra);
  if (!settings.ok()) return settings.status();
  return std::make_unique<Notification>(environment, *std::move(settings));
}

}  // namespace
}  // namespace motcua::notification

int main(int argc, char** argv) {
  motcua::service::Description description("notification", "no", {"intake", "routing", "deadline-monitor"},
                                           /*derives_events=*/true);
  return motcua::service::Main(argc, argv, std::move(description), "Tells those concerned: messages, e-mails, webhooks.",
                               motcua::notification::AllowNotification, motcua::notification::Flags(),
                               motcua::notification::Make);
}
