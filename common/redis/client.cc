#include "common/redis/client.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <cassert>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "common/redis/errors.h"
#include "common/redis/pipeline.h"
#include "common/redis/router.h"
#include "common/status/errors.h"

namespace motcua::redis {
namespace {

// What a command can be sent on after each redirection before it is given up.
constexpr int kMostRedirections = 5;
// While a slot is moved, keys that do not exist yet are on neither side: TRYAGAIN until it is done.
constexpr absl::Duration kTryAgainPatience = absl::Seconds(2);
constexpr absl::Duration kShortestPause = absl::Milliseconds(2);
constexpr absl::Duration kLongestPause = absl::Milliseconds(50);

// A command or a script's call that may have to be sent more than once.
class Outgoing {
 public:
  explicit Outgoing(Command command) : what_(std::move(command)) {}
  explicit Outgoing(ScriptCall call) : what_(std::move(call)) {}

  std::optional<std::string_view> key() const {
    return std::visit([](const auto& what) { return what.key(); }, what_);
  }
  std::string marker() const {
    const ScriptCall* call = std::get_if<ScriptCall>(&what_);
    return call == nullptr ? std::string() : call->marker();
  }
  void AppendTo(std::string& out) const {
    if (const ScriptCall* call = std::get_if<ScriptCall>(&what_); call == nullptr) {
      std::get<Command>(what_).AppendTo(out);
    } else if (with_source_) {
      call->AppendEvalTo(out);
    } else {
      call->AppendEvalShaTo(out);
    }
  }
  // False where the source was sent before.
  bool SendSource() { return !std::exchange(with_source_, true); }

 private:
  std::variant<Command, ScriptCall> what_;
  bool with_source_ = false;
};

absl::Status NobodyServes() {
  return internal::Unavailable("no node of the store's cluster serves this key now");
}

// Where a command of a cluster goes next.
class Route {
 public:
  Route(Router& router, const Outgoing& outgoing)
      : since_(router.shared().connects.load(std::memory_order_relaxed)),
        node_(router.NodeOf(outgoing.key())) {}

  Router::Node* node() const { return node_; }
  bool asking() const { return asking_; }

  // The answer says that another node has the slot. False: it cannot be followed now.
  bool Follow(Router& router, const internal::Redirection& redirection) {
    router.Doubt();
    asking_ = redirection.ask;
    node_ = router.NodeAt(redirection.node);
    if (!Usable() || ++redirections_ > kMostRedirections) return false;
    if (!redirection.ask) router.Moved(redirection.slot, node_);
    return true;
  }
  // From the beginning, after a while.
  bool StartOver(Router& router, const Outgoing& outgoing) {
    asking_ = false;
    node_ = router.NodeOf(outgoing.key());
    return Usable();
  }

 private:
  // What the command was decided on may be of an older state than a younger connection leads to.
  bool Usable() const { return node_ != nullptr && node_->commands->link_number() <= since_; }

  const uint64_t since_;
  Router::Node* node_;
  bool asking_ = false;
  int redirections_ = 0;
};

async::Task<absl::StatusOr<Reply>> SendOnCluster(std::shared_ptr<Router> router, Outgoing outgoing,
                                                 absl::Time deadline, async::CancelToken cancel) {
  Route route(*router, outgoing);
  const absl::Time patience = absl::Now() + kTryAgainPatience;
  absl::Duration pause = kShortestPause;
  while (true) {
    if (route.node() == nullptr) {
      router->Doubt();
      co_return NobodyServes();
    }
    // Nodes come and go while the answer is awaited.
    const std::shared_ptr<Confirmations> confirmations = route.node()->confirmations;
    std::string marker = confirmations == nullptr ? std::string() : outgoing.marker();
    if (!marker.empty() && !route.node()->connected())
      co_return internal::Unavailable("the store is not connected");
    const std::string history = route.node()->commands->history();
    const std::string host = route.node()->address.host;
    Pipeline::PendingReply pending(router->loop(), deadline, cancel);
    if (!pending.waiter.completed()) {
      const auto append = [&outgoing](std::string& out) { outgoing.AppendTo(out); };
      absl::Status sent = route.asking() ? route.node()->commands->SendAsking(pending, append)
                                         : route.node()->commands->Send(pending, append);
      if (!sent.ok()) co_return sent;
    }
    absl::Status waited = co_await pending.waiter;
    const std::string_view error =
        waited.ok() && pending.reply.is_error() ? pending.reply.text() : std::string_view();
    if (error.empty()) {
      if (waited.ok() && !marker.empty()) {
        absl::Status confirmed =
            co_await Confirmations::Confirm(confirmations, history, std::move(marker), deadline, cancel);
        if (!confirmed.ok()) co_return confirmed;
      }
      co_return internal::Outcome(std::move(waited), std::move(pending.reply));
    }
    if (const auto redirection = internal::ParseRedirection(error, host); redirection.has_value()) {
      if (!route.Follow(*router, *redirection)) co_return internal::FromErrorReply(error);
    } else if (internal::MeansNoScript(error)) {
      PipelineShared::Add(router->shared().script_loads, 1);
      if (!outgoing.SendSource()) co_return internal::ProtocolError("the store does not keep scripts");
    } else if (internal::MeansTryAgain(error)) {
      router->Doubt();
      if (absl::Now() + pause >= std::min(patience, deadline)) co_return internal::FromErrorReply(error);
      absl::Status slept = co_await router->loop().Sleep(pause, cancel);
      if (!slept.ok()) co_return internal::Cancelled();
      pause = std::min(2 * pause, kLongestPause);
      if (!route.StartOver(*router, outgoing)) co_return internal::FromErrorReply(error);
    } else {
      if (internal::MeansClusterDown(error)) router->Doubt();
      co_return internal::FromErrorReply(error);
    }
  }
}

async::Task<absl::StatusOr<Reply>> SendCommand(Router* router, Command command, absl::Time deadline,
                                               async::CancelToken cancel) {
  Pipeline::PendingReply pending(router->loop(), deadline, cancel);
  if (!pending.waiter.completed()) {
    absl::Status sent = router->one().Send(pending, [&command](std::string& out) { command.AppendTo(out); });
    if (!sent.ok()) co_return sent;
  }
  absl::Status waited = co_await pending.waiter;
  co_return internal::Outcome(std::move(waited), std::move(pending.reply));
}

async::Task<absl::StatusOr<Reply>> CallScript(Router* router, ScriptCall call, absl::Time deadline,
                                              async::CancelToken cancel) {
  for (const bool with_source : {false, true}) {
    Pipeline::PendingReply pending(router->loop(), deadline, cancel);
    if (!pending.waiter.completed()) {
      absl::Status sent = router->one().Send(pending, [&call, with_source](std::string& out) {
        with_source ? call.AppendEvalTo(out) : call.AppendEvalShaTo(out);
      });
      if (!sent.ok()) co_return sent;
    }
    absl::Status waited = co_await pending.waiter;
    const bool unknown = waited.ok() && pending.reply.is_error() && internal::MeansNoScript(pending.reply.text());
    if (with_source || !unknown) co_return internal::Outcome(std::move(waited), std::move(pending.reply));
    PipelineShared::Add(router->shared().script_loads, 1);
  }
  co_return internal::ProtocolError("the store does not keep scripts");
}

async::Task<absl::StatusOr<Reply>> CallAndConfirm(std::shared_ptr<Router> router, ScriptCall call,
                                                  absl::Time deadline, async::CancelToken cancel) {
  const std::shared_ptr<Confirmations> confirmations = router->NodeOf(std::nullopt)->confirmations;
  if (!router->connected()) co_return internal::Unavailable("the store is not connected");
  const std::string history = router->one().history();
  const uint64_t link = router->one().link_number();
  std::string marker = call.marker();
  absl::StatusOr<Reply> reply = co_await CallScript(router.get(), std::move(call), deadline, cancel);
  if (!reply.ok()) co_return reply;
  // Sent anew with its source after the link had changed: it is not known which server has it.
  if (router->one().link_number() != link) co_return internal::NotConfirmed();
  absl::Status confirmed =
      co_await Confirmations::Confirm(confirmations, history, std::move(marker), deadline, cancel);
  if (!confirmed.ok()) co_return confirmed;
  co_return reply;
}

async::Task<absl::Status> ConfirmKey(std::shared_ptr<Router> router, std::string key, absl::Time deadline,
                                     async::CancelToken cancel) {
  if (!router->confirms()) co_return absl::OkStatus();
  const Router::Node* node = router->NodeOf(key);
  if (node == nullptr || !node->connected()) co_return internal::NotConfirmed();
  const std::shared_ptr<Confirmations> confirmations = node->confirmations;
  const std::string history = node->commands->history();
  co_return co_await Confirmations::Confirm(confirmations, history, std::move(key), deadline, cancel);
}

}  // namespace

Client::Client(async::Loop& loop, Options options)
    : Client(std::make_shared<Router>(loop, std::move(options))) {}

Client::Client(std::shared_ptr<Router> router) : router_(std::move(router)) {
  router_->loop().Post([router = router_] { router->Start(); });
}

Client::~Client() {
  router_->loop().RunAndWait([this] { router_->Shutdown(); });
}

async::Task<absl::StatusOr<Reply>> Client::Execute(Command command, absl::Time deadline,
                                                   async::CancelToken cancel) {
  if (!router_->clustered())
    return SendCommand(router_.get(), std::move(command), deadline, std::move(cancel));
  return SendOnCluster(router_, Outgoing(std::move(command)), deadline, std::move(cancel));
}

async::Task<absl::StatusOr<Reply>> Client::Eval(ScriptCall call, absl::Time deadline,
                                                async::CancelToken cancel) {
  if (router_->clustered())
    return SendOnCluster(router_, Outgoing(std::move(call)), deadline, std::move(cancel));
  if (router_->confirms() && !call.marker().empty()) {
    return CallAndConfirm(router_, std::move(call), deadline, std::move(cancel));
  }
  return CallScript(router_.get(), std::move(call), deadline, std::move(cancel));
}

async::Task<absl::StatusOr<Reply>> Client::Eval(const Script& script, const std::vector<std::string>& keys,
                                                const std::vector<std::string>& args, absl::Time deadline,
                                                async::CancelToken cancel) {
  ScriptCall call(script);
  for (const std::string& key : keys) call.Key(key);
  for (const std::string& arg : args) call.Arg(arg);
  return Eval(std::move(call), deadline, std::move(cancel));
}

async::Task<absl::Status> Client::Confirm(std::string key, absl::Time deadline, async::CancelToken cancel) {
  return ConfirmKey(router_, std::move(key), deadline, std::move(cancel));
}

async::Loop& Client::loop() const { return router_->loop(); }

bool Client::connected() const { return router_->connected(); }

bool Client::clustered() const { return router_->clustered(); }

std::unique_ptr<Client> Client::Sibling() {
  return std::unique_ptr<Client>(new Client(router_->MakeSibling()));
}

uint64_t Client::connection(std::string_view key) const {
  if (!router_->clustered()) return router_->one().link_number();
  const Router::Node* const node = router_->NodeOf(key);
  return node == nullptr ? 0 : node->commands->link_number();
}

async::Task<absl::Status> Client::WaitConnected(absl::Time deadline, async::CancelToken cancel) {
  absl::Status status = co_await router_->ready().Wait(deadline, std::move(cancel));
  if (absl::IsDeadlineExceeded(status)) co_return internal::Unavailable("the store cannot be reached");
  co_return status;
}

void Client::OnConnectionChange(absl::AnyInvocable<void(bool connected)> observer) {
  async::Loop& loop = router_->loop();
  if (loop.InLoop()) {
    router_->AddObserver(std::move(observer));
    return;
  }
  loop.Post([router = router_, observer = std::move(observer)]() mutable {
    router->AddObserver(std::move(observer));
  });
}

void Client::OnRoundTrip(absl::AnyInvocable<void(absl::Duration)> observer) {
  router_->shared().on_round_trip = std::move(observer);
}

absl::Status Client::last_error() const { return router_->shared().last_error(); }

ClientStats Client::stats() const {
  const PipelineShared& shared = router_->shared();
  ClientStats stats;
  stats.commands = shared.commands.load(std::memory_order_relaxed);
  stats.late_replies = shared.late_replies.load(std::memory_order_relaxed);
  stats.refused = shared.refused.load(std::memory_order_relaxed);
  stats.connects = shared.connects.load(std::memory_order_relaxed);
  stats.disconnects = shared.disconnects.load(std::memory_order_relaxed);
  stats.script_loads = shared.script_loads.load(std::memory_order_relaxed);
  stats.in_flight = shared.in_flight.load(std::memory_order_relaxed);
  return stats;
}

const Options& Client::options() const { return router_->shared().options; }

absl::StatusOr<std::string> ReadPasswordFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string password((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
  if (password.empty()) return errors::NotFound("FILE_MISSING", "cannot read a password from " + path);
  return password;
}

}  // namespace motcua::redis
