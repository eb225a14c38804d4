// TLS credentials from PEM files.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace motcua::rpc {

// Paths of PEM files. All empty: no TLS.
class TlsFiles {
 public:
  TlsFiles() {}
  TlsFiles(std::string cert, std::string key, std::string ca)
      : cert(std::move(cert)), key(std::move(key)), ca(std::move(ca)) {}
  bool empty() const { return cert.empty() && key.empty() && ca.empty(); }

  // Own certificate chain, with the URI SAN `spiffe://motcua/svc/<name>` for a service.
  std::string cert;
  std::string key;
  // The private CA that peers' certificates must come from.
  std::string ca;
};

// Server: needs all three. A client certificate is verified where the client has one; with
// `require_client_cert` a client without one is not let in. Insecure where `files` is empty. Errors:
// INVALID_ARGUMENT (TLS_INCOMPLETE), NOT_FOUND (FILE_MISSING). The files are read again when they have
// changed, before the next connection (LiveFiles): it sees the new ones, while connections that are there
// live on. Thread-safe.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsFiles& files,
                                                                               bool require_client_cert);

// Client: `ca` alone (a caller with a token) or all three (a service). Errors: as above.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsFiles& files);

// What is wrong with the files as they are now. Errors: as above, and INVALID_ARGUMENT (TLS_INVALID).
absl::Status CheckTlsFiles(const TlsFiles& files);

// True for 127.0.0.0/8, ::1, localhost (with a port) and Unix sockets.
bool IsLoopback(const std::string& address);

}  // namespace motcua::rpc
