// Promises of the authenticator: a remembered token is no better than a verified one, and memory is bounded.
#include "common/rpc/authenticator.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/auth/jwt_signer.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1753000000);

auth::JwtSigner NewSigner() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(length));
  BIO_free(memory);
  EVP_PKEY_free(key);
  return auth::JwtSigner::FromPem(pem, "test", "motcua", "motcua").value();
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() : signer_(NewSigner()) {}
  auth::JwtVerifier Verifier() const {
    auth::JwtKeys keys;
    EXPECT_TRUE(keys.AddPem("test", signer_.PublicPem()).ok());
    return auth::JwtVerifier(keys, "motcua", "motcua");
  }
  std::string Token(int n) const {
    auth::Principal officer(auth::Kind::kOfficer, absl::StrCat("officer-", n), "H30");
    return "Bearer " + signer_.Mint(officer, kNow, absl::Hours(1)).value();
  }
  auth::JwtSigner signer_;
};

TEST_F(AuthenticatorTest, ARememberedTokenExpiresLikeAnyOther) {
  Authenticator authenticator(Verifier());
  std::string token = Token(1);
  ASSERT_TRUE(authenticator.Bearer(token, kNow).ok());
  EXPECT_EQ(authenticator.remembered(), 1u);
  EXPECT_EQ((*authenticator.Bearer(token, kNow + absl::Minutes(59)))->subject, "officer-1");
  EXPECT_EQ(errors::Reason(authenticator.Bearer(token, kNow + absl::Hours(2)).status()), "TOKEN_EXPIRED");
}

TEST_F(AuthenticatorTest, TheLeastRecentlyUsedIsForgotten) {
  Authenticator authenticator(Verifier(), /*capacity=*/3);
  std::string first = Token(0);
  for (int i = 1; i < 10; ++i) {
    ASSERT_TRUE(authenticator.Bearer(first, kNow).ok());
    auto principal = authenticator.Bearer(Token(i), kNow);
    ASSERT_TRUE(principal.ok());
    EXPECT_EQ((*principal)->subject, absl::StrCat("officer-", i));
    EXPECT_LE(authenticator.remembered(), 3u);
  }
}

TEST_F(AuthenticatorTest, BadTokensAreNotRemembered) {
  Authenticator authenticator(Verifier());
  for (const char* bad : {"", "Bearer", "Bearer ", "Bearer x", "Basic x", "bearer  x", "Bearer a.b.c"}) {
    EXPECT_EQ(errors::Reason(authenticator.Bearer(bad, kNow).status()), "TOKEN_INVALID") << bad;
  }
  EXPECT_EQ(authenticator.remembered(), 0u);
}

TEST_F(AuthenticatorTest, WithoutKeysNoTokenIsGood) {
  Authenticator authenticator(std::nullopt);
  EXPECT_EQ(errors::Reason(authenticator.Bearer(Token(1), kNow).status()), "TOKEN_INVALID");
}

TEST_F(AuthenticatorTest, CertificatesOfStrangersAreAnonymous) {
  Authenticator authenticator(std::nullopt);
  EXPECT_EQ(authenticator.Certificate("spiffe://motcua/svc/routing")->subject, "routing");
  EXPECT_TRUE(authenticator.Certificate("spiffe://elsewhere/svc/routing")->is_anonymous());
}

}  // namespace
}  // namespace motcua::rpc
