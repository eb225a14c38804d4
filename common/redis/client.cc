#include "common/redis/client.h"

#include <cassert>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/redis/errors.h"
#include "common/redis/pipeline.h"
#include "common/status/errors.h"

namespace motcua::redis {
namespace {

// What the caller gets: an error reply becomes a status, a passed deadline gets its reason.
absl::StatusOr<Reply> Outcome(absl::Status waited, Reply reply) {
  if (absl::IsDeadlineExceeded(waited)) return internal::DeadlineExceeded();
  if (absl::IsCancelled(waited)) return internal::Cancelled();
  if (!waited.ok()) return waited;
  if (reply.is_error()) return internal::FromErrorReply(reply.text());
  return reply;
}

}  // namespace

Client::Client(async::Loop& loop, Options options)
    : pipeline_(std::make_shared<Pipeline>(loop, std::move(options))) {
  loop.Post([pipeline = pipeline_] { pipeline->Connect(); });
}

Client::~Client() {
  pipeline_->loop().RunAndWait([this] { pipeline_->Shutdown(); });
}

async::Task<absl::StatusOr<Reply>> Client::Execute(Command command, absl::Time deadline,
                                                   async::CancelToken cancel) {
  Pipeline::PendingReply pending(*pipeline_, deadline, cancel);
  if (!pending.waiter.completed()) {
    absl::Status sent = pipeline_->Send(pending, [&command](std::string& out) { command.AppendTo(out); });
    if (!sent.ok()) co_return sent;
  }
  absl::Status waited = co_await pending.waiter;
  co_return Outcome(std::move(waited), std::move(pending.reply));
}

async::Task<absl::StatusOr<Reply>> Client::Eval(ScriptCall call, absl::Time deadline, async::CancelToken cancel) {
  for (const bool with_source : {false, true}) {
    Pipeline::PendingReply pending(*pipeline_, deadline, cancel);
    if (!pending.waiter.completed()) {
      absl::Status sent = pipeline_->Send(pending, [&call, with_source](std::string& out) {
        with_source ? call.AppendEvalTo(out) : call.AppendEvalShaTo(out);
      });
      if (!sent.ok()) co_return sent;
    }
    absl::Status waited = co_await pending.waiter;
    const bool unknown = waited.ok() && pending.reply.is_error() && internal::MeansNoScript(pending.reply.text());
    if (with_source || !unknown) co_return Outcome(std::move(waited), std::move(pending.reply));
    pipeline_->CountScriptLoad();
  }
  co_return internal::ProtocolError("the store does not keep scripts");
}

async::Task<absl::StatusOr<Reply>> Client::Eval(const Script& script, const std::vector<std::string>& keys,
                                                const std::vector<std::string>& args, absl::Time deadline,
                                                async::CancelToken cancel) {
  ScriptCall call(script);
  for (const std::string& key : keys) call.Key(key);
  for (const std::string& arg : args) call.Arg(arg);
  return Eval(std::move(call), deadline, std::move(cancel));
}

bool Client::connected() const { return pipeline_->connected(); }

async::Task<absl::Status> Client::WaitConnected(absl::Time deadline, async::CancelToken cancel) {
  absl::Status status = co_await pipeline_->ready().Wait(deadline, std::move(cancel));
  if (absl::IsDeadlineExceeded(status)) co_return internal::Unavailable("the store cannot be reached");
  co_return status;
}

void Client::OnConnectionChange(absl::AnyInvocable<void(bool connected)> observer) {
  async::Loop& loop = pipeline_->loop();
  if (loop.InLoop()) {
    pipeline_->AddObserver(std::move(observer));
    return;
  }
  loop.Post([pipeline = pipeline_, observer = std::move(observer)]() mutable {
    pipeline->AddObserver(std::move(observer));
  });
}

void Client::OnRoundTrip(absl::AnyInvocable<void(absl::Duration)> observer) {
  pipeline_->ObserveRoundTrips(std::move(observer));
}

absl::Status Client::last_error() const { return pipeline_->last_error(); }

ClientStats Client::stats() const { return pipeline_->stats(); }

const Options& Client::options() const { return pipeline_->options(); }

absl::StatusOr<std::string> ReadPasswordFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string password((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
  if (password.empty()) return errors::NotFound("FILE_MISSING", "cannot read a password from " + path);
  return password;
}

}  // namespace motcua::redis
