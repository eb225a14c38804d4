#include "common/service/main.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "services/notification/calls/inbox_watch.h"
#include "services/notification/calls/notifications.h"
#include "services/notification/channels/mail.h"
#include "services/notification/channels/transport.h"
#include "services/notification/notification_service.h"
#include "services/notification/policy.h"
#include "services/notification/projections/announcer.h"
#include "services/notification/projections/notification_projection.h"
#include "services/notification/workers/delivery_worker.h"

namespace motcua::notification {
namespace {

std::string MailServer(const std::string& url) {
  bool good = url.empty() || url.rfind("smtp://", 0) == 0 || url.rfind("smtps://", 0) == 0;
  return good ? "" : "must begin with smtp:// or smtps://";
}

std::vector<rpc::ExtraFlag> Flags() {
  std::vector<rpc::ExtraFlag> flags;
  const auto plain = [&flags](const char* name, const char* help, const char* value, rpc::ValueCheck check) {
    flags.emplace_back(name, help, value, /*secret=*/false, std::move(check));
  };
  plain("smtp_url", "Mail server, smtp://HOST:PORT or smtps://HOST:PORT; empty: no e-mail is sent.", "",
        MailServer);
  plain("smtp_from", "Sender's address of e-mails.", "motcua@localhost.localdomain",
        [](const std::string& value) { return IsMailAddress(value) ? "" : "must be a mail address"; });
  flags.emplace_back("smtp_user", "User at the mail server; the connection is then encrypted.");
  flags.emplace_back("smtp_password", "The user's password.", "", /*secret=*/true);
  flags.emplace_back("webhook_secret", "Key of the signature (HMAC-SHA256) of webhooks; empty: unsigned.", "",
                     /*secret=*/true);
  plain("webhook_allow_private",
        "true: webhooks may lead to loopback and private addresses. For tests and closed networks.", "false",
        [](const std::string& value) {
          bool allowed = false;
          return absl::SimpleAtob(value, &allowed) ? "" : "must be true or false";
        });
  plain("retry_base", "Pause after the first failed attempt of a delivery; later ones grow fourfold.", "12s",
        rpc::PositiveDuration());
  plain("delivery_concurrency", "Deliveries attempted at once, 1 to 64.", "8", rpc::IntegerBetween(1, 64));
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

// The flags have been checked already.
Settings ReadSettings(const std::map<std::string, std::string>& flags) {
  Settings settings;
  TransportOptions& transport = settings.transport;
  transport.smtp_url = flags.at("smtp_url");
  transport.smtp_from = flags.at("smtp_from");
  transport.smtp_user = flags.at("smtp_user");
  transport.smtp_password = flags.at("smtp_password");
  transport.webhook_secret = flags.at("webhook_secret");
  settings.projection.channels.email = !transport.smtp_url.empty();
  (void)absl::SimpleAtob(flags.at("webhook_allow_private"), &transport.webhook_allow_private);
  (void)absl::ParseDuration(flags.at("retry_base"), &settings.delivery.retry.base);
  int concurrency = 0;
  (void)absl::SimpleAtoi(flags.at("delivery_concurrency"), &concurrency);
  settings.delivery.concurrency = concurrency;
  transport.threads = concurrency;
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
        notifications_(backend_.store(), backend_.catalogues(), watch_) {
    AddNotificationService(environment.host, notifications_);
    worker_.SetLeases(backend_.leases());
    for (const std::string& source : backend_.description().sources) {
      projections_.push_back(std::make_unique<NotificationProjection>(
          SourceOf(source), backend_.catalogues(), settings.projection,
          [this](Announcement announcement) { announcer_.Announce(std::move(announcement)); }));
      backend_.Consume(source, *projections_.back());
    }
    ObserveDeliveries(environment);
  }

  async::Task<void> Run(async::CancelToken cancel) override { return worker_.Run(std::move(cancel)); }

 private:
  void ObserveDeliveries(service::Environment& environment) {
    for (const v1::DeliveryChannel channel : {v1::DELIVERY_CHANNEL_EMAIL, v1::DELIVERY_CHANNEL_WEBHOOK}) {
      for (const Conclusion conclusion :
           {Conclusion::kDelivered, Conclusion::kRetried, Conclusion::kGivenUp, Conclusion::kRefused}) {
        deliveries_[std::make_pair(channel, conclusion)] =
            &backend_.metrics().MakeCounter("motcua_deliveries_total",
                                            "Attempts to deliver by how they ended: retried ones are made "
                                            "again, given up and refused ones are not.",
                                            {{"channel", std::string(ChannelName(channel))},
                                             {"outcome", std::string(ConclusionName(conclusion))}});
      }
    }
    worker_.OnConcluded([this](v1::DeliveryChannel channel, Conclusion conclusion) {
      if (auto found = deliveries_.find(std::make_pair(channel, conclusion)); found != deliveries_.end()) {
        found->second->Add(1);
      }
    });
    telemetry::Gauge& waiting = backend_.metrics().MakeGauge(
        "motcua_deliveries_waiting",
        "Deliveries neither made nor given up, held and repeated ones included.");
    telemetry::Gauge& longest =
        backend_.metrics().MakeGauge("motcua_deliveries_oldest_waiting_seconds",
                                     "For how long the delivery that has been due the longest has waited for "
                                     "its attempt; 0 where none is due.");
    environment.sampler.Add([this, &waiting, &longest] { return SampleBacklog(waiting, longest); });
  }

  async::Task<void> SampleBacklog(telemetry::Gauge& waiting, telemetry::Gauge& longest) {
    absl::StatusOr<DeliveryWorker::Backlog> backlog = co_await worker_.ReadBacklog();
    if (!backlog.ok()) co_return;  // the gauges keep what was last known
    waiting.Set(static_cast<double>(backlog->waiting));
    longest.Set(absl::ToDoubleSeconds(backlog->longest_due));
  }

  service::Backend& backend_;
  InboxWatch watch_;
  Transport transport_;
  DeliveryWorker worker_;
  std::map<std::pair<v1::DeliveryChannel, Conclusion>, telemetry::Counter*> deliveries_;
  Announcer announcer_;
  Notifications notifications_;
  std::vector<std::unique_ptr<NotificationProjection>> projections_;
};

absl::StatusOr<std::unique_ptr<service::Service>> Make(service::Environment& environment) {
  return std::make_unique<Notification>(environment, ReadSettings(environment.options.extra));
}

}  // namespace
}  // namespace motcua::notification

int main(int argc, char** argv) {
  motcua::service::Description description(
      "notification", "no", {"intake", "routing", "deadline-monitor"},
      /*derives_events=*/true,
      motcua::store::Definition(1, {&motcua::store::KindOf<motcua::notification::DossierModel>()}));
  description.too_early = "DOSSIER_NOT_FOUND";
  return motcua::service::Main(argc, argv, std::move(description), "Tells those concerned: messages, e-mails, webhooks.",
                               motcua::notification::AllowNotification, motcua::notification::Flags(),
                               motcua::notification::Make);
}
