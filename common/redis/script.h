// Script: a Lua script known by its SHA-1, and ScriptCall: one call of it in wire form.
//
//   const Script commit(kCommitLua);               // computed once, lives as long as the process
//   ScriptCall call(commit);
//   call.Key(state_key).Key(feed_key).Arg(version).Arg(bytes);
//   absl::StatusOr<Reply> reply = co_await client.Eval(std::move(call), deadline);
//
// The client sends EVALSHA and, when the server does not know the script (first call, restart, SCRIPT FLUSH),
// EVAL with the source: both differ only in their head, so the formatted keys and arguments are used again.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/redis/command.h"

namespace motcua::redis {

// Immutable; may be used from any thread.
class Script {
 public:
  explicit Script(std::string source);
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  const std::string& source() const { return source_; }
  // 40 lower-case hexadecimal digits, computed here and not asked from a server.
  const std::string& sha() const { return sha_; }

 private:
  friend class ScriptCall;

  const std::string source_;
  const std::string sha_;
  // What a call begins with, in wire form: the command's name and the script.
  const std::string evalsha_;
  const std::string eval_;
};

// The script outlives its calls.
class ScriptCall {
 public:
  explicit ScriptCall(const Script& script) : script_(&script) {}
  // Of keys and arguments that are in wire form already (internal::AppendBulk).
  ScriptCall(const Script& script, std::string keys, size_t key_count, std::string args, size_t arg_count)
      : script_(&script),
        keys_(std::move(keys)),
        args_(std::move(args)),
        key_count_(key_count),
        arg_count_(arg_count) {}

  ScriptCall& Key(std::string_view key) {
    internal::AppendBulk(keys_, key);
    ++key_count_;
    return *this;
  }
  ScriptCall& Arg(std::string_view bytes) {
    internal::AppendBulk(args_, bytes);
    ++arg_count_;
    return *this;
  }
  template <std::integral Integer>
  ScriptCall& Arg(Integer number) {
    internal::AppendBulk(args_, static_cast<int64_t>(number));
    ++arg_count_;
    return *this;
  }
  ScriptCall& Arg(double number) {
    internal::AppendBulk(args_, number);
    ++arg_count_;
    return *this;
  }

  // What is written must be on min_replicas replicas before the call is answered; see Client::Confirm for
  // `key`.
  void ConfirmWith(std::string key) { marker_ = std::move(key); }
  const std::string& marker() const { return marker_; }

  const Script& script() const { return *script_; }
  // The first key; nothing where there is none.
  std::optional<std::string_view> key() const { return internal::ReadBulk(keys_); }

  // Appends the whole EVALSHA (or EVAL) command in wire form.
  void AppendEvalShaTo(std::string& out) const { AppendTo(out, script_->evalsha_); }
  void AppendEvalTo(std::string& out) const { AppendTo(out, script_->eval_); }

 private:
  void AppendTo(std::string& out, const std::string& head) const;

  const Script* script_;
  std::string keys_;
  std::string args_;
  std::string marker_;
  size_t key_count_ = 0;
  size_t arg_count_ = 0;
};

}  // namespace motcua::redis
