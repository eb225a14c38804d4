#include "services/notification/channels/transport.h"

#include <curl/curl.h>
#include <openssl/hmac.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/event.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"
#include "services/notification/channels/mail.h"
#include "services/notification/channels/public_address.h"

namespace motcua::notification {
namespace {

using Kind = Outcome::Kind;

// Bytes of an answer that are read; what it says does not matter.
constexpr size_t kAnswerBound = 64 << 10;

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;
using List = std::unique_ptr<curl_slist, ListDeleter>;

void Append(List& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

struct Upload {
  std::string_view rest;
};

size_t ReadUpload(char* buffer, size_t size, size_t items, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  const size_t bytes = std::min(size * items, upload.rest.size());
  std::memcpy(buffer, upload.rest.data(), bytes);
  upload.rest.remove_prefix(bytes);
  return bytes;
}

size_t DropAnswer(char*, size_t size, size_t items, void* user) {
  auto& taken = *static_cast<size_t*>(user);
  taken += size * items;
  return taken > kAnswerBound ? 0 : size * items;
}

int CheckStopping(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

curl_socket_t OpenPublicSocket(void* user, curlsocktype, curl_sockaddr* address) {
  if (!IsPublicAddress(address->addr)) {
    *static_cast<bool*>(user) = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void SetCommon(CURL* curl, const TransportOptions& options, const std::atomic<bool>& stopping,
               size_t& taken) {
  const auto millis = static_cast<long>(absl::ToInt64Milliseconds(options.timeout));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY,
                   "");  // not the environment's: it would connect on our behalf, unchecked
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, millis);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, millis / 2);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, DropAnswer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &taken);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, CheckStopping);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopping);
}

void StartCurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)started;
}

}  // namespace

std::string Signature(std::string_view secret, std::string_view body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest, &size);
  return absl::StrCat("sha256=",
                      absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(digest), size)));
}

std::string WebhookBody(const v1::InboxMessage& message) {
  nlohmann::ordered_json json;
  json["id"] = message.id();
  json["dossier"] = message.dossier();
  json["event"] = message.event();
  json["at"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time::FromTimestamp(message.at()), absl::UTCTimeZone());
  json["subject"] = message.subject();
  json["body"] = message.body();
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Transport::Transport(async::Loop& loop, TransportOptions options)
    : loop_(loop), options_(std::move(options)) {}

Transport::~Transport() {
  stopping_ = true;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void Transport::StartThreads() {
  if (!threads_.empty()) return;
  StartCurl();
  for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

void Transport::Run() {
  for (;;) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopped_ || !queue_.empty(); };
      mutex_.Await(absl::Condition(&ready));
      if (stopped_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

async::Task<Outcome> Transport::Send(Parcel parcel) {
  struct State {
    explicit State(async::Loop& loop) : done(loop) {}
    async::Event done;
    Outcome outcome = Outcome(Kind::kFailedForNow, "");
  };
  StartThreads();
  auto state = std::make_shared<State>(loop_);
  {
    absl::MutexLock lock(&mutex_);
    queue_.emplace_back([this, state, parcel = std::move(parcel)] {
      Outcome outcome = Deliver(parcel);
      loop_.Post([state, outcome = std::move(outcome)] {
        state->outcome = outcome;
        state->done.Set();
      });
    });
  }
  absl::Status waited = co_await state->done.Wait(absl::InfiniteFuture());
  (void)waited;
  co_return state->outcome;
}

Outcome Transport::Deliver(const Parcel& parcel) const {
  switch (parcel.channel) {
    case v1::DELIVERY_CHANNEL_EMAIL:
      return DeliverMail(parcel);
    case v1::DELIVERY_CHANNEL_WEBHOOK:
      return DeliverWebhook(parcel);
    default:
      return Outcome(Kind::kFailedForGood, "no such channel");
  }
}

Outcome Transport::DeliverMail(const Parcel& parcel) const {
  if (options_.smtp_url.empty()) return Outcome(Kind::kFailedForNow, "no mail server is configured");
  if (!IsMailAddress(parcel.address)) return Outcome(Kind::kFailedForGood, "not a mail address");
  Mail mail;
  mail.from = options_.smtp_from;
  mail.to = parcel.address;
  mail.subject = parcel.message.subject();
  mail.body = parcel.message.body();
  mail.message_id = parcel.message.id();
  mail.at = time::FromTimestamp(parcel.message.at());
  mail.trace = std::string(telemetry::TraceId(parcel.traceparent));
  const std::string text = WriteMail(mail);

  Curl curl(curl_easy_init());
  if (curl == nullptr) return Outcome(Kind::kFailedForNow, "out of resources");
  size_t taken = 0;
  SetCommon(curl.get(), options_, stopping_, taken);
  Upload upload;
  upload.rest = text;
  List recipients;
  Append(recipients, "<" + mail.to + ">");
  const std::string from = "<" + mail.from + ">";
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl.get(), CURLOPT_URL, options_.smtp_url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_USE_SSL,
                   static_cast<long>(options_.smtp_user.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  if (!options_.smtp_user.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_USERNAME, options_.smtp_user.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, options_.smtp_password.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, ReadUpload);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &upload);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return Outcome(Kind::kDelivered, "");
  long response = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &response);
  const std::string error = absl::StrCat("SMTP ", response, ": ", curl_easy_strerror(code));
  // A refused login is the fault of this installation, not of the message.
  const bool for_good = response >= 500 && response < 600 && code != CURLE_LOGIN_DENIED;
  return Outcome(for_good ? Kind::kFailedForGood : Kind::kFailedForNow, error);
}

Outcome Transport::DeliverWebhook(const Parcel& parcel) const {
  if (!absl::StartsWith(parcel.address, "https://") && !absl::StartsWith(parcel.address, "http://")) {
    return Outcome(Kind::kFailedForGood, "not an http or https address");
  }
  const std::string body = WebhookBody(parcel.message);
  Curl curl(curl_easy_init());
  if (curl == nullptr) return Outcome(Kind::kFailedForNow, "out of resources");
  size_t taken = 0;
  SetCommon(curl.get(), options_, stopping_, taken);
  List headers;
  Append(headers, "Content-Type: application/json; charset=utf-8");
  Append(headers, "Motcua-Message-Id: " + parcel.message.id());
  if (!parcel.traceparent.empty()) Append(headers, "traceparent: " + parcel.traceparent);
  if (!options_.webhook_secret.empty()) {
    Append(headers, "Motcua-Signature: " + Signature(options_.webhook_secret, body));
  }
  Append(headers, "Expect:");
  bool inadmissible = false;
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_URL, parcel.address.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  if (!options_.webhook_allow_private) {
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETFUNCTION, OpenPublicSocket);
    curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETDATA, &inadmissible);
  }
  const CURLcode code = curl_easy_perform(curl.get());
  long response = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &response);
  if (code == CURLE_COULDNT_CONNECT && inadmissible) {
    return Outcome(Kind::kFailedForGood, "the address is not a public one");
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return Outcome(Kind::kFailedForGood, "malformed address");
  }
  // An answer that was cut off at the bound has been given all the same.
  const bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && taken > kAnswerBound);
  if (!answered) return Outcome(Kind::kFailedForNow, curl_easy_strerror(code));
  if (response >= 200 && response < 300) return Outcome(Kind::kDelivered, "");
  const bool for_good = response >= 300 && response < 500 && response != 408 && response != 429;
  return Outcome(for_good ? Kind::kFailedForGood : Kind::kFailedForNow, absl::StrCat("HTTP ", response));
}

}  // namespace motcua::notification
