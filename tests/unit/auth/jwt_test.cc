// Promises of tokens: what is signed by a known key for us and now is taken, and nothing else is.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/auth/jwt_signer.h"
#include "common/auth/jwt_verifier.h"
#include "common/status/errors.h"

namespace motcua::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1753000000);

std::string PrivatePem(const char* curve) {
  EVP_PKEY* key = EVP_EC_gen(curve);
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(length));
  BIO_free(memory);
  EVP_PKEY_free(key);
  return pem;
}

std::string Base64Url(const std::string& bytes) {
  std::string encoded = absl::WebSafeBase64Escape(bytes);
  while (!encoded.empty() && encoded.back() == '=') encoded.pop_back();
  return encoded;
}

class JwtTest : public ::testing::Test {
 protected:
  JwtTest()
      : signer_(JwtSigner::FromPem(PrivatePem("P-256"), "dev", "motcua", "motcua").value()),
        verifier_(Keys(), "motcua", "motcua") {}

  JwtKeys Keys() const {
    JwtKeys keys;
    EXPECT_TRUE(keys.AddPem("dev", signer_.PublicPem()).ok());
    return keys;
  }
  std::string Mint(absl::Duration lifetime = absl::Hours(1)) const {
    Principal officer(Kind::kOfficer, "H30.18-leader", "H30.18", {"leader", "handler"});
    return signer_.Mint(officer, kNow, lifetime).value();
  }
  std::string ReasonOf(const std::string& token, absl::Time now = kNow) const {
    auto verified = verifier_.Verify(token, now);
    return verified.ok() ? "OK" : errors::Reason(verified.status());
  }
  // Properly signed, whatever it says.
  std::string Signed(const std::string& claims,
                     const std::string& header = R"({"alg":"ES256","kid":"dev","typ":"JWT"})") const {
    return signer_.SignForTest(header, claims).value();
  }
  std::string With(const std::string& more) const {
    return Signed(absl::StrCat(R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":1753000100)", more, "}"));
  }

  JwtSigner signer_;
  JwtVerifier verifier_;
};

TEST_F(JwtTest, AGoodTokenNamesItsPrincipal) {
  auto verified = verifier_.Verify(Mint(), kNow);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->principal,
            Principal(Kind::kOfficer, "H30.18-leader", "H30.18", {"leader", "handler"}));
  EXPECT_EQ(verified->expires_at, kNow + absl::Hours(1));
}

TEST_F(JwtTest, ATokenHoldsInItsSpanOnly) {
  std::string token = Mint(absl::Hours(1));
  EXPECT_EQ(ReasonOf(token, kNow - absl::Seconds(29)), "OK");
  EXPECT_EQ(ReasonOf(token, kNow - absl::Seconds(31)), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(token, kNow + absl::Hours(1) + absl::Seconds(29)), "OK");
  EXPECT_EQ(ReasonOf(token, kNow + absl::Hours(1) + absl::Seconds(30)), "TOKEN_EXPIRED");
}

TEST_F(JwtTest, NoneIsNoSignature) {
  std::string header = Base64Url(R"({"alg":"none","kid":"dev"})");
  std::string claims = Base64Url(R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":1753000100})");
  EXPECT_EQ(ReasonOf(absl::StrCat(header, ".", claims, ".")), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(absl::StrCat(header, ".", claims, ".AAAA")), "TOKEN_INVALID");
  for (const char* alg : {"None", "NONE", "nOnE", ""}) {
    std::string other = Base64Url(absl::StrCat(R"({"kid":"dev","alg":")", alg, R"("})"));
    EXPECT_EQ(ReasonOf(absl::StrCat(other, ".", claims, ".")), "TOKEN_INVALID") << alg;
  }
}

TEST_F(JwtTest, ThePublicKeyIsNoHmacSecret) {
  std::string text = absl::StrCat(Base64Url(R"({"alg":"HS256","kid":"dev"})"), ".",
                                  Base64Url(R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":1753000100})"));
  std::string secret = signer_.PublicPem();
  unsigned char mac[32];
  unsigned int length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac, &length);
  std::string token = absl::StrCat(text, ".", Base64Url(std::string(reinterpret_cast<char*>(mac), length)));
  EXPECT_EQ(ReasonOf(token), "TOKEN_INVALID");
}

TEST_F(JwtTest, TheHeaderMustBeOurs) {
  std::string claims = R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":1753000100})";
  EXPECT_EQ(ReasonOf(Signed(claims)), "OK");
  for (const char* header : {R"({"alg":"ES256","kid":"other"})", R"({"alg":"ES256"})", R"({"alg":"ES256","kid":7})",
                             R"({"alg":"ES384","kid":"dev"})", R"({"kid":"dev"})", R"({"alg":["ES256"],"kid":"dev"})",
                             R"({"alg":"ES256","kid":"dev","crit":["b64"],"b64":false})", "[]", "null", "x",
                             R"({"alg":"ES256","kid":"../dev"})"}) {
    EXPECT_EQ(ReasonOf(Signed(claims, header)), "TOKEN_INVALID") << header;
  }
}

TEST_F(JwtTest, ClaimsMustBeForUs) {
  for (const char* claims :
       {R"({"aud":"motcua","sub":"a","agency":"H30","exp":1753000100})",
        R"({"iss":"other","aud":"motcua","sub":"a","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","sub":"a","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":"other","sub":"a","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":["x","y"],"sub":"a","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30"})",
        R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":"1753000100"})",
        R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":1e300})",
        R"({"iss":"motcua","aud":"motcua","sub":"a","agency":"H30","exp":-1})",
        R"({"iss":"motcua","aud":"motcua","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":"motcua","sub":"","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":"motcua","sub":"a\nb","agency":"H30","exp":1753000100})",
        R"({"iss":"motcua","aud":"motcua","sub":"a","exp":1753000100})"}) {
    EXPECT_EQ(ReasonOf(Signed(claims)), "TOKEN_INVALID") << claims;
  }
  for (const char* more : {R"(,"nbf":"now")", R"(,"kind":"anonymous")", R"(,"kind":"root")", R"(,"roles":"admin")",
                           R"(,"roles":[1])", R"(,"roles":[""])"}) {
    EXPECT_EQ(ReasonOf(With(more)), "TOKEN_INVALID") << more;
  }
  EXPECT_EQ(ReasonOf(With("")), "OK");
  EXPECT_EQ(ReasonOf(Signed(R"({"iss":"motcua","aud":["x","motcua"],"sub":"a","kind":"system","exp":1753000100})")),
            "OK");
}

TEST_F(JwtTest, ATokenGainsNothingByReservedRoles) {
  auto verified = verifier_.Verify(With(R"(,"roles":["service","system","admin","anonymous"])"), kNow);
  ASSERT_TRUE(verified.ok());
  EXPECT_FALSE(verified->principal.HasRole(kService));
  EXPECT_FALSE(verified->principal.HasRole(kAnySystem));
  EXPECT_TRUE(verified->principal.HasRole("admin"));
}

TEST_F(JwtTest, AChangedByteBreaksIt) {
  std::string token = Mint();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character of a 64-byte signature has four bits that mean nothing.
    if (i + 1 == token.size()) continue;
    EXPECT_EQ(ReasonOf(changed), "TOKEN_INVALID") << i;
  }
}

TEST_F(JwtTest, AnotherKeysTokenIsRefused) {
  auto other = JwtSigner::FromPem(PrivatePem("P-256"), "dev", "motcua", "motcua").value();
  Principal officer(Kind::kOfficer, "a", "H30");
  EXPECT_EQ(ReasonOf(other.Mint(officer, kNow, absl::Hours(1)).value()), "TOKEN_INVALID");
}

TEST_F(JwtTest, GarbageIsRefusedWithoutHarm) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  EXPECT_EQ(ReasonOf(""), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(".."), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(std::string(1 << 20, '.')), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(Signed(std::string(2000, '['))), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(Signed(With("") + "\xff")), "TOKEN_INVALID");
  std::string token = Mint();
  for (int round = 0; round < 20000; ++round) {
    std::string garbage;
    if (round % 2 == 0) {
      garbage.resize(random() % 300);
      for (char& c : garbage) c = static_cast<char>(random());
    } else {
      garbage = token;
      for (int k = 0; k < 1 + static_cast<int>(random() % 3); ++k) {
        size_t at = random() % garbage.size();
        switch (random() % 3) {
          case 0:
            garbage[at] = static_cast<char>(random());
            break;
          case 1:
            garbage.erase(at, random() % 20);
            break;
          default:
            garbage.insert(at, 1, "ABCxyz09-_.="[random() % 12]);
        }
        if (garbage.empty()) break;
      }
    }
    if (garbage.substr(0, garbage.size() - (garbage.empty() ? 0 : 1)) == token.substr(0, token.size() - 1)) continue;
    EXPECT_EQ(ReasonOf(garbage), "TOKEN_INVALID");
  }
}

TEST(JwtKeys, OnlyP256KeysAreTaken) {
  JwtKeys keys;
  auto signer = JwtSigner::FromPem(PrivatePem("P-256"), "k", "i", "a").value();
  EXPECT_TRUE(keys.AddPem("k", signer.PublicPem()).ok());
  EXPECT_EQ(errors::Reason(keys.AddPem("k/../x", signer.PublicPem())), "KEY_INVALID");
  EXPECT_EQ(errors::Reason(keys.AddPem("k2", "no key")), "KEY_INVALID");
  EXPECT_EQ(errors::Reason(keys.AddPem("k2", PrivatePem("P-256"))), "KEY_INVALID");
  EXPECT_EQ(errors::Reason(JwtSigner::FromPem(PrivatePem("P-384"), "k", "i", "a").status()), "KEY_INVALID");
  EXPECT_EQ(keys.size(), 1u);
}

TEST(JwtKeys, ADirectoryHoldsOneKeyAFile) {
  char name[] = "/tmp/motcua-keys-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  std::string directory = name;
  EXPECT_EQ(errors::Reason(JwtKeys::Load(directory).status()), "KEYS_MISSING");
  EXPECT_EQ(errors::Reason(JwtKeys::Load(directory + "/absent").status()), "KEYS_MISSING");
  for (const char* kid : {"one", "two"}) {
    auto signer = JwtSigner::FromPem(PrivatePem("P-256"), kid, "i", "a").value();
    std::ofstream(absl::StrCat(directory, "/", kid, ".pem")) << signer.PublicPem();
  }
  std::ofstream(directory + "/README") << "not a key";
  auto keys = JwtKeys::Load(directory);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_NE(keys->Find("one"), nullptr);
  EXPECT_EQ(keys->Find("README"), nullptr);
  EXPECT_EQ(JwtKeys::Load(directory + "/two.pem").value().size(), 1u);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace motcua::auth
