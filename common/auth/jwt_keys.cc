#include "common/auth/jwt_keys.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"

namespace motcua::auth {
namespace {

constexpr size_t kMaxPemBytes = 64 * 1024;

bool ValidKid(std::string_view kid) {
  return !kid.empty() && kid.size() <= 64 && std::all_of(kid.begin(), kid.end(), [](unsigned char c) {
    return isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
}

bool IsP256(EVP_PKEY* key) {
  char group[64];
  size_t length = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof(group), &length) == 1 &&
         std::string_view(group, length) == "prime256v1";
}

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return errors::NotFound("KEYS_MISSING", absl::StrCat("cannot read key file ", path.filename().string()));
  std::string content(kMaxPemBytes, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<size_t>(file.gcount()));
  return content;
}

}  // namespace

absl::Status JwtKeys::AddPem(std::string_view kid, std::string_view pem) {
  if (!ValidKid(kid)) return errors::InvalidArgument("KEY_INVALID", "a key id is 1 to 64 characters of A-Z a-z 0-9 . _ -");
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  PublicKey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr || !IsP256(key.get())) {
    return errors::InvalidArgument("KEY_INVALID", absl::StrCat("key ", std::string(kid), " is not a P-256 public key in PEM"));
  }
  keys_[std::string(kid)] = std::move(key);
  return absl::OkStatus();
}

absl::StatusOr<JwtKeys> JwtKeys::Load(const std::string& path) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      if (entry.path().extension() == ".pem") files.push_back(entry.path());
    }
  } else if (std::filesystem::exists(path, error)) {
    files.emplace_back(path);
  }
  if (files.empty()) return errors::NotFound("KEYS_MISSING", "no public key (*.pem) where the token keys should be");
  JwtKeys keys;
  for (const auto& file : files) {
    auto pem = ReadFile(file);
    if (!pem.ok()) return pem.status();
    if (absl::Status added = keys.AddPem(file.stem().string(), *pem); !added.ok()) return added;
  }
  return keys;
}

EVP_PKEY* JwtKeys::Find(std::string_view kid) const {
  auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : found->second.get();
}

}  // namespace motcua::auth
