// What leaves the house: mails, signatures, and where webhooks may not go.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "services/notification/channels/mail.h"
#include "services/notification/channels/public_address.h"
#include "services/notification/channels/transport.h"

namespace motcua::notification {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

bool IsPublic(const std::string& text) {
  sockaddr_storage storage = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    storage.ss_family = AF_INET6;
  }
  return IsPublicAddress(reinterpret_cast<const sockaddr&>(storage));
}

TEST(PublicAddress, OnlyTheOutsideIsPublic) {
  for (const char* inside :
       {"127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1", "2002:a00:1::", "2001:db8::1", "2001::1", "100::1"}) {
    EXPECT_FALSE(IsPublic(inside)) << inside;
  }
  for (const char* outside : {"1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "223.255.255.1",
                              "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}) {
    EXPECT_TRUE(IsPublic(outside)) << outside;
  }
  sockaddr unix_socket = {};
  unix_socket.sa_family = AF_UNIX;
  EXPECT_FALSE(IsPublicAddress(unix_socket));
}

TEST(Mail, AddressesThatCouldBreakOutAreRefused) {
  for (const char* good : {"a@b", "an.o+x@example.org", "ạ@example.org"}) EXPECT_TRUE(IsMailAddress(good)) << good;
  for (const std::string bad : {"", "a", "@b", "a@", "a@b@c", "a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "a@b,c", "a@b;c",
                                "\"a\"@b"}) {
    EXPECT_FALSE(IsMailAddress(bad)) << bad;
  }
}

Mail Sample() {
  Mail mail;
  mail.from = "motcua@example.org";
  mail.to = "a@example.org";
  mail.subject = "Hồ sơ H30.18.05-260714-0001 đã được tiếp nhận tại Ủy ban nhân dân xã";
  mail.body = "Kính gửi Ông/Bà: hồ sơ đã được tiếp nhận.\n.\nDòng cuối";
  mail.message_id = "intake/H30/17/applicant:H30.18.05-260714-0001";
  mail.at = absl::FromUnixSeconds(1784000000);
  return mail;
}

TEST(Mail, IsOfShortAsciiLinesAndComesBackWhole) {
  const Mail mail = Sample();
  const std::string text = WriteMail(mail);
  std::string subject, body;
  bool in_body = false, in_subject = false;
  for (const absl::string_view line : absl::StrSplit(text, "\r\n")) {
    EXPECT_TRUE(line.size() <= 76 || absl::StartsWith(line, "Message-ID: ")) << line;
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
    if (in_body) body += std::string(line);
    if (line.empty()) in_body = true;
    in_subject = absl::StartsWith(line, "Subject: ") || (in_subject && absl::StartsWith(line, " "));
    if (!in_subject) continue;
    std::string word(line.substr(line.find("=?UTF-8?B?") + 10)), decoded;
    ASSERT_THAT(word, EndsWith("?="));
    ASSERT_TRUE(absl::Base64Unescape(word.substr(0, word.size() - 2), &decoded));
    subject += decoded;
  }
  EXPECT_EQ(subject, mail.subject);
  // Every line but the last holds whole groups, so the lines decode together.
  std::string decoded;
  ASSERT_TRUE(absl::Base64Unescape(body, &decoded));
  EXPECT_EQ(decoded, mail.body);
}

TEST(Mail, TheSameMessageBearsTheSameId) {
  EXPECT_EQ(WriteMail(Sample()), WriteMail(Sample()));
  EXPECT_THAT(WriteMail(Sample()), HasSubstr("Message-ID: <intake_H30_17_applicant=H30.18.05-260714-0001@example.org>"));
}

// The vector of RFC 4231, test case 2.
TEST(Webhook, SignaturesAreHmacSha256) {
  EXPECT_EQ(Signature("Jefe", "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Webhook, TheBodyIsJsonWhateverTheTextHolds) {
  v1::InboxMessage message;
  message.set_id("a/b/1/c");
  message.set_dossier("d");
  message.set_event("Overdue");
  message.set_subject("\"quoted\" \\ \n");
  message.set_body("xã");
  message.mutable_at()->set_seconds(1784000000);
  EXPECT_EQ(WebhookBody(message),
            R"({"id":"a/b/1/c","dossier":"d","event":"Overdue","at":"2026-07-14T03:33:20Z",)"
            R"("subject":"\"quoted\" \\ \n","body":"xã"})");
}

}  // namespace
}  // namespace motcua::notification
