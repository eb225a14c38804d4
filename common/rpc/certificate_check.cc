#include "common/rpc/certificate_check.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace motcua::rpc {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE, X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX, X509_STORE_CTX_free>>;
using Buffer = std::unique_ptr<BIO, decltype(&BIO_free)>;

Buffer Over(const std::string& text) {
  return Buffer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
}

std::vector<Certificate> ReadCertificates(const std::string& pem) {
  std::vector<Certificate> certificates;
  Buffer buffer = Over(pem);
  while (X509* certificate = PEM_read_bio_X509(buffer.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();
  return certificates;
}

// A key with a passphrase is one that cannot be read: a service has nobody to ask.
Key ReadKey(const std::string& pem) {
  Buffer buffer = Over(pem);
  auto no_passphrase = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(buffer.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

std::string Text(const ASN1_TIME* time) {
  tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  return absl::FormatTime(absl::RFC3339_sec, absl::FromTM(parts, absl::UTCTimeZone()), absl::UTCTimeZone());
}

// Empty where the certificate is of this time.
std::string AgeProblem(const X509* certificate, time_t now) {
  const ASN1_TIME* begin = X509_get0_notBefore(certificate);
  const ASN1_TIME* end = X509_get0_notAfter(certificate);
  if (X509_cmp_time(end, &now) < 0) return absl::StrCat("the certificate ended at ", Text(end));
  if (X509_cmp_time(begin, &now) > 0) return absl::StrCat("the certificate begins only at ", Text(begin));
  return "";
}

// Verified as TLS does it, but for the time, which is looked at by itself.
std::string ChainProblem(const std::vector<Certificate>& chain, const std::vector<Certificate>& authorities) {
  Store store(X509_STORE_new());
  for (const Certificate& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  STACK_OF(X509)* others = sk_X509_new_null();
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain.at(i).get());
  StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others);
  int verified = X509_verify_cert(context.get());
  int error = X509_STORE_CTX_get_error(context.get());
  context.reset();
  sk_X509_free(others);
  ERR_clear_error();
  if (verified == 1) return "";
  return absl::StrCat("the certificate does not come from --tls_ca: ", X509_verify_cert_error_string(error));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> CertificateProblems(const std::string& tls_cert,
                                                                     const std::string& tls_key,
                                                                     const std::string& tls_ca,
                                                                     absl::Time now) {
  std::vector<std::pair<std::string, std::string>> problems;
  auto tell = [&problems](const char* option, const std::string& problem) {
    if (!problem.empty()) problems.emplace_back(option, problem);
  };
  const time_t seconds = absl::ToTimeT(now);
  const std::vector<Certificate> chain = ReadCertificates(tls_cert);
  const std::vector<Certificate> authorities = ReadCertificates(tls_ca);
  const Key key = ReadKey(tls_key);
  if (!tls_cert.empty() && chain.empty()) tell("tls_cert", "holds no certificate in PEM");
  if (!tls_ca.empty() && authorities.empty()) tell("tls_ca", "holds no certificate in PEM");
  if (!tls_key.empty() && key == nullptr)
    tell("tls_key", "holds no private key in PEM, or one with a passphrase");
  for (const Certificate& authority : authorities) tell("tls_ca", AgeProblem(authority.get(), seconds));
  for (const Certificate& certificate : chain) tell("tls_cert", AgeProblem(certificate.get(), seconds));
  if (chain.empty()) return problems;
  if (key != nullptr && X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    tell("tls_key", "the key does not belong to the certificate of --tls_cert");
  }
  if (!authorities.empty()) tell("tls_cert", ChainProblem(chain, authorities));
  return problems;
}

}  // namespace motcua::rpc
