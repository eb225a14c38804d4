// E-mails as they go over the wire (RFC 5322, MIME): plain text, UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace motcua::notification {

struct Mail {
  std::string from;
  std::string to;
  std::string subject;
  std::string body;
  // Names the message for ever, so that receivers recognise a repetition.
  std::string message_id;
  absl::Time at;
  // Trace id, for the header `X-Motcua-Trace`; empty = none.
  std::string trace;
};

// Whether the address can stand in an envelope and a header: one `@` and nothing that would end either.
bool IsMailAddress(std::string_view address);

// Headers and body with CRLF line ends; no line is longer than 76 bytes but those of addresses and ids.
std::string WriteMail(const Mail& mail);

}  // namespace motcua::notification
