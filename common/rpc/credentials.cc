#include "common/rpc/credentials.h"

#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>

#include <fstream>
#include <iterator>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/rpc/certificate_check.h"
#include "common/rpc/live_files.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

// Threads of gRPC may still be connecting when main has returned, and OpenSSL would be taken down under them:
// one client in some twenty died of that whose command had not needed the service that was away. It has an
// effect only before anything else of OpenSSL is used.
[[maybe_unused]] const int kKeepsOpenSsl = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file || content.empty()) return errors::NotFound("FILE_MISSING", absl::StrCat("cannot read ", path));
  return content;
}

struct Pem {
  std::string cert, key, ca;
};

absl::StatusOr<Pem> ReadAll(const TlsFiles& files) {
  Pem pem;
  for (auto [path, content] : {std::pair(&files.cert, &pem.cert), std::pair(&files.key, &pem.key),
                               std::pair(&files.ca, &pem.ca)}) {
    if (path->empty()) continue;
    auto read = ReadFile(*path);
    if (!read.ok()) return read.status();
    *content = *std::move(read);
  }
  return pem;
}

absl::Status Check(const Pem& pem) {
  const auto problems = CertificateProblems(pem.cert, pem.key, pem.ca, absl::Now());
  if (problems.empty()) return absl::OkStatus();
  return errors::InvalidArgument("TLS_INVALID",
                                 absl::StrCat(problems.front().first, ": ", problems.front().second));
}

// What a server shows to the next connection, and whom it believes.
class LiveCertificate {
 public:
  LiveCertificate(const TlsFiles& files, Pem pem)
      : files_(files), watch_("tls", {files.cert, files.key, files.ca}), pem_(std::move(pem)) {}

  // gRPC asks before each handshake.
  static grpc_ssl_certificate_config_reload_status Fetch(void* self,
                                                         grpc_ssl_server_certificate_config** config) {
    return static_cast<LiveCertificate*>(self)->FetchConfig(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status FetchConfig(grpc_ssl_server_certificate_config** config) {
    absl::MutexLock lock(&mutex_);
    if (watch_.Changed(absl::Now())) {
      absl::StatusOr<Pem> pem = ReadAll(files_);
      absl::Status read = pem.ok() ? Check(*pem) : pem.status();
      watch_.Tell(read);
      if (read.ok()) {
        pem_ = *std::move(pem);
        given_ = false;
      }
    }
    if (given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {pem_.key.c_str(), pem_.cert.c_str()};
    *config = grpc_ssl_server_certificate_config_create(pem_.ca.c_str(), &pair, 1);
    given_ = true;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsFiles files_;
  absl::Mutex mutex_;
  LiveFiles watch_ ABSL_GUARDED_BY(mutex_);
  Pem pem_ ABSL_GUARDED_BY(mutex_);
  bool given_ ABSL_GUARDED_BY(mutex_) = false;
};

// grpc::SslServerCredentials reads its files once, and the file watcher of gRPC 1.51 takes over a key that
// does not belong to its certificate. So this stands on the C interface, whose fetcher keeps what it had.
class LiveServerCredentials final : public grpc::ServerCredentials {
 public:
  explicit LiveServerCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~LiveServerCredentials() override { grpc_server_credentials_release(credentials_); }
  // Callers are identified by the host.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  absl::StatusOr<Pem> pem = ReadAll(files);
  return pem.ok() ? Check(*pem) : pem.status();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsFiles& files,
                                                                               bool require_client_cert) {
  if (files.empty()) return grpc::InsecureServerCredentials();
  if (files.cert.empty() || files.key.empty() || files.ca.empty()) {
    return errors::InvalidArgument("TLS_INCOMPLETE", "a server needs tls_cert, tls_key and tls_ca");
  }
  auto pem = ReadAll(files);
  if (!pem.ok()) return pem.status();
  // gRPC tells nobody when it has asked for the last time: kept to the end of the process, one a server.
  auto* certificate = new LiveCertificate(files, *std::move(pem));
  grpc_ssl_server_credentials_options* options =
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          require_client_cert ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                              : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY,
          &LiveCertificate::Fetch, certificate);
  return std::make_shared<LiveServerCredentials>(grpc_ssl_server_credentials_create_with_options(options));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsFiles& files) {
  if (files.empty()) return grpc::InsecureChannelCredentials();
  if (files.ca.empty() || files.cert.empty() != files.key.empty()) {
    return errors::InvalidArgument("TLS_INCOMPLETE", "a client needs tls_ca, and tls_cert and tls_key both or neither");
  }
  auto pem = ReadAll(files);
  if (!pem.ok()) return pem.status();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = pem->ca;
  options.pem_private_key = pem->key;
  options.pem_cert_chain = pem->cert;
  return grpc::SslCredentials(options);
}

bool IsLoopback(const std::string& address) {
  if (address.rfind("unix:", 0) == 0) return true;
  std::string host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "::1" || host == "localhost";
}

}  // namespace motcua::rpc
