// Sends what is to be delivered: e-mails by SMTP, webhooks by HTTP POST, both by libcurl on threads of its
// own.
#pragma once

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "motcua/notification/v1/message.pb.h"
#include "services/notification/domain/delivery/delivery.h"

namespace motcua::notification {

class TransportOptions {
 public:
  TransportOptions() {}

  // `smtp://host:port` or `smtps://host:port`; empty: no e-mail.
  std::string smtp_url;
  std::string smtp_from;
  // Empty: the server asks for none. With them the connection must be encrypted.
  std::string smtp_user;
  std::string smtp_password;
  // Signs webhooks (HMAC-SHA256); empty: unsigned.
  std::string webhook_secret;
  // Tests and closed networks only: webhooks may lead to loopback and private addresses.
  bool webhook_allow_private = false;
  absl::Duration timeout = absl::Seconds(20);
  size_t threads = 8;
};

// One delivery, written out.
class Parcel {
 public:
  Parcel() {}

  v1::DeliveryChannel channel = v1::DELIVERY_CHANNEL_UNSPECIFIED;
  std::string address;
  v1::InboxMessage message;
  // Of this delivery, in the trace of the event that it tells of. Mail bears the trace id as
  // `X-Motcua-Trace`, a webhook the whole as `traceparent`.
  std::string traceparent;
};

// HMAC-SHA256 of `body`, as in the header `Motcua-Signature`: `sha256=<hex>`.
std::string Signature(std::string_view secret, std::string_view body);

// The JSON of a webhook: {id, dossier, event, at, subject, body}.
std::string WebhookBody(const v1::InboxMessage& message);

// Thread-safety: Send on the loop; destruction on another thread than the loop, after the loop's tasks have
// ended. What is under way then is broken off.
class Transport {
 public:
  Transport(async::Loop& loop, TransportOptions options);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const TransportOptions& options() const { return options_; }

  // Ends within the timeout (plus the time that parcels before it take). The loop goes on meanwhile.
  //  delivered         SMTP 2xx, HTTP 2xx
  //  failed for good   SMTP 5xx, HTTP 3xx (redirects are not followed) and 4xx but 408 and 429, a malformed
  //  or inadmissible
  //                    address
  //  failed for now    all else
  async::Task<Outcome> Send(Parcel parcel);

  // What is under way, and all that follows, ends soon as failed for now. Any thread.
  void BreakOff() { stopping_ = true; }

 private:
  using Work = absl::AnyInvocable<void()>;

  void StartThreads();
  void Run();
  Outcome Deliver(const Parcel& parcel) const;
  Outcome DeliverMail(const Parcel& parcel) const;
  Outcome DeliverWebhook(const Parcel& parcel) const;

  async::Loop& loop_;
  const TransportOptions options_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace motcua::notification
