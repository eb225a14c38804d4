#include "services/notification/channels/mail.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace motcua::notification {
namespace {

// Bytes of an encoded word: with its frame and `Subject: ` before it they fit a line of 76 (RFC 2047).
constexpr size_t kWordBytes = 39;
constexpr size_t kLineBytes = 57;

// RFC 2047: encoded words, each of whole characters.
std::string EncodeHeader(std::string_view text) {
  std::string encoded;
  while (!text.empty()) {
    size_t end = std::min(kWordBytes, text.size());
    while (end < text.size() && end > 1 && (text[end] & 0xC0) == 0x80) --end;
    const std::string word(text.substr(0, end));
    absl::StrAppend(&encoded, encoded.empty() ? "" : "\r\n ", "=?UTF-8?B?", absl::Base64Escape(word), "?=");
    text.remove_prefix(end);
  }
  return encoded;
}

// An id of any characters as the left side of a Message-ID.
std::string IdPart(std::string_view id) {
  std::string part;
  for (const char c : id) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    part.push_back(plain ? c : c == '/' ? '_' : '=');
  }
  return part;
}

}  // namespace

bool IsMailAddress(std::string_view address) {
  if (address.size() > 254 || std::count(address.begin(), address.end(), '@') != 1) return false;
  if (address.front() == '@' || address.back() == '@') return false;
  return std::all_of(address.begin(), address.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && c != '<' && c != '>' && c != ',' && c != ';' && c != '"' &&
           c != '\\';
  });
}

std::string WriteMail(const Mail& mail) {
  const std::string domain = mail.from.substr(mail.from.find('@') + 1);
  std::string text = absl::StrCat(
      "From: ", mail.from, "\r\nTo: ", mail.to, "\r\nSubject: ", EncodeHeader(mail.subject),
      "\r\nDate: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", mail.at, absl::UTCTimeZone()),
      "\r\nMessage-ID: <", IdPart(mail.message_id), "@", domain, ">\r\n",
      mail.trace.empty() ? "" : "X-Motcua-Trace: ", mail.trace, mail.trace.empty() ? "" : "\r\n",
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
  std::string_view rest = mail.body;
  while (!rest.empty()) {
    absl::StrAppend(&text, absl::Base64Escape(std::string(rest.substr(0, kLineBytes))), "\r\n");
    rest.remove_prefix(std::min(kLineBytes, rest.size()));
  }
  return text;
}

}  // namespace motcua::notification
