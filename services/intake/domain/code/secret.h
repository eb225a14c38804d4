// Mã tra cứu: the short secret printed on the slip, which with the dossier code opens the public look-up.
// Pure and thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace motcua::intake {

inline constexpr size_t kSecretLength = 6;

// Letters and digits that nobody confuses on paper or telephone: without I, O, 0 and 1. Exactly 32 of them,
// so that five bits of a random byte choose one without bias.
inline constexpr std::string_view kSecretAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

inline std::string SecretFrom(const std::array<uint8_t, kSecretLength>& random) {
  std::string secret;
  for (const uint8_t byte : random) secret.push_back(kSecretAlphabet[byte % kSecretAlphabet.size()]);
  return secret;
}

// Takes as long for a wrong secret as for the right one, so that time tells nothing. Capitals and small
// letters are the same. False where the dossier has no secret.
inline bool SameSecret(std::string_view kept, std::string_view given) {
  if (kept.size() != kSecretLength || given.size() != kSecretLength) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < kSecretLength; ++i) {
    unsigned char c = static_cast<unsigned char>(given[i]);
    if (c >= 'a' && c <= 'z') c = static_cast<unsigned char>(c - 'a' + 'A');
    difference |= static_cast<unsigned char>(kept[i]) ^ c;
  }
  return difference == 0;
}

}  // namespace motcua::intake
