#include "common/rpc/credentials.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

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

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsFiles& files,
                                                                               bool require_client_cert) {
  if (files.empty()) return grpc::InsecureServerCredentials();
  if (files.cert.empty() || files.key.empty() || files.ca.empty()) {
    return errors::InvalidArgument("TLS_INCOMPLETE", "a server needs tls_cert, tls_key and tls_ca");
  }
  auto pem = ReadAll(files);
  if (!pem.ok()) return pem.status();
  grpc::SslServerCredentialsOptions options(require_client_cert
                                                ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = pem->ca;
  options.pem_key_cert_pairs.push_back({pem->key, pem->cert});
  return grpc::SslServerCredentials(options);
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
