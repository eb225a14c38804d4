// One trace from the client to the last message: what a caller is told leads to the log lines of every
// service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/smtp_server.h"
#include "tests/support/system.h"

namespace motcua {
namespace {

using testing::HasSubstr;

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";

// The lines of a service's log that bear the trace, by their message.
std::vector<nlohmann::json> LinesOf(const std::string& output, const std::string& service,
                                    const std::string& message) {
  std::vector<nlohmann::json> found;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("{\"ts\"")) continue;
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded() || json.value("service", "") != service || json.value("msg", "") != message)
      continue;
    if (json.value("trace", "") == kTrace) found.push_back(json);
  }
  return found;
}

// intake takes the filing, routing offers the dossier to the agency of its first leg, notification writes to
// that agency.
TEST(Trace, AFilingsTraceIsTheOneOfTheMessageItEndsIn) {
  test::SmtpServer smtp;
  const std::string traced = std::string("MOTCUA_TRACEPARENT=00-") + kTrace + "-b7ad6b7169203331-01 ";
  const std::string output =
      test::OnSystem(
          // The first leg of this procedure lies with another agency, so that routing offers the dossier at
          // once.
          "cp -r deploy/reference $RUN/reference && sed -i \"/2.000720/,/register/"
          "s/{id: intake,.*/{id: intake, name: Intake, agency: H30.18.TC, limit: 0.5wd}/\" "
          "$RUN/reference/procedures.yaml && "
          "export H=H30.18.05; motcua reference apply $RUN/reference >/dev/null && "
          "motcua advance 2026-07-06T08:00 >/dev/null && " +
              traced +
              "motcua file $H 2.000720 --name Hoa --accept --components "
              "\"Thông báo thay đổi nội dung đăng ký hộ kinh doanh\" --as $H-intake@$H:intake --json && "
              "delivered() { grep -q \"\\\"msg\\\":\\\"delivery\\\".*\\\"source\\\":\\\"routing\\\"\" "
              "$RUN/log/notification.log; }; wait_for 20 delivered; "
              "motcua messages H30 agency:H30.18.TC --json; cat $RUN/log/{intake,routing,notification}.log",
          "SERVICE_FLAGS+=(--log_level=debug) && EXTRA_FLAGS[notification]=--smtp_url=" + smtp.url())
          .output;
  const std::vector<nlohmann::json> calls = LinesOf(output, "intake", "call");
  ASSERT_FALSE(calls.empty()) << output;
  EXPECT_THAT(calls[0].value("method", ""), HasSubstr("IntakeService/"));
  EXPECT_EQ(calls[0].value("code", ""), "OK");
  std::vector<nlohmann::json> deliveries = LinesOf(output, "notification", "delivery");
  bool through_routing = false;
  for (const nlohmann::json& line : deliveries)
    through_routing = through_routing || line.value("source", "") == "routing";
  EXPECT_TRUE(through_routing) << output;
  EXPECT_THAT(output, HasSubstr(std::string("\"trace\":\"") + kTrace + "\"")) << "in the message";
  size_t mails = 0;
  for (const test::SmtpServer::Mail& mail : smtp.mails()) {
    mails += mail.text.find(std::string("X-Motcua-Trace: ") + kTrace + "\r\n") != std::string::npos;
  }
  EXPECT_GE(mails, 1u);
}

TEST(Trace, TheClientTellsTheTraceOfWhatFailed) {
  const std::string traced = std::string("MOTCUA_TRACEPARENT=00-") + kTrace + "-b7ad6b7169203331-01 ";
  const std::string output =
      test::OnSystem("motcua reference apply deploy/reference >/dev/null; " + traced +
                         "motcua --lang en get H30.18.05-260706-9999; " + traced +
                         "motcua --json get H30.18.05-260706-9999; " +
                         "motcua --lang en --verbose statistics intake H30; cat $RUN/log/intake.log",
                     "SERVICE_FLAGS+=(--log_level=debug)")
          .output;
  EXPECT_THAT(output, HasSubstr(std::string("Trace: ") + kTrace + "\n"));
  EXPECT_THAT(output, HasSubstr(std::string(",\"trace\":\"") + kTrace + "\"}}"));
  EXPECT_THAT(output, testing::ContainsRegex("Trace: [0-9a-f]{32}\n"));
  EXPECT_EQ(LinesOf(output, "intake", "call failed").size(), 2u) << output;
}

}  // namespace
}  // namespace motcua
