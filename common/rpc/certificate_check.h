// What is wrong with certificates and keys before a peer finds out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace motcua::rpc {

// What is wrong with the contents of a service's PEM files, as (option, text); a text that is empty is not
// looked at.
std::vector<std::pair<std::string, std::string>> CertificateProblems(const std::string& tls_cert,
                                                                     const std::string& tls_key,
                                                                     const std::string& tls_ca,
                                                                     absl::Time now);

}  // namespace motcua::rpc
