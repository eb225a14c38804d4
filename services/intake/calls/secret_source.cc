#include "services/intake/calls/secret_source.h"

#include <array>

#include "common/status/errors.h"
#include "openssl/rand.h"
#include "services/intake/domain/code/secret.h"

namespace motcua::intake {

absl::StatusOr<std::string> NewSecret() {
  std::array<uint8_t, kSecretLength> random;
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return errors::Unavailable("NO_RANDOMNESS", "no secret can be made now; try again");
  }
  return SecretFrom(random);
}

}  // namespace motcua::intake
