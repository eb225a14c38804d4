#include "common/redis/script.h"

#include <absl/strings/escaping.h>
#include <openssl/sha.h>

#include <utility>

namespace motcua::redis {
namespace {

std::string Sha1Hex(std::string_view text) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace

Script::Script(std::string source) : source_(std::move(source)), sha_(Sha1Hex(source_)) {}

void ScriptCall::AppendTo(std::string& out, std::string_view name, std::string_view script) const {
  internal::AppendArrayHeader(out, 3 + keys_ + args_);
  internal::AppendBulk(out, name);
  internal::AppendBulk(out, script);
  internal::AppendBulk(out, static_cast<int64_t>(keys_));
  out.append(body_);
}

}  // namespace motcua::redis
