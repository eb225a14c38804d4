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

std::string Head(std::string_view name, std::string_view script) {
  std::string head;
  internal::AppendBulk(head, name);
  internal::AppendBulk(head, script);
  return head;
}

}  // namespace

Script::Script(std::string source)
    : source_(std::move(source)),
      sha_(Sha1Hex(source_)),
      evalsha_(Head("EVALSHA", sha_)),
      eval_(Head("EVAL", source_)) {}

void ScriptCall::AppendTo(std::string& out, const std::string& head) const {
  internal::AppendArrayHeader(out, 3 + key_count_ + arg_count_);
  out.append(head);
  internal::AppendBulk(out, static_cast<int64_t>(key_count_));
  out.append(keys_);
  out.append(args_);
}

}  // namespace motcua::redis
