#include "clients/motcua/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "common/status/errors.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

using testing::HasSubstr;
using testing::Not;

View Vietnamese() { return {false, absl::FixedTimeZone(7 * 3600)}; }
View English() { return {true, absl::FixedTimeZone(7 * 3600)}; }

intake::v1::Dossier Sample() {
  intake::v1::Dossier dossier;
  dossier.set_code("H30.18.05-260714-0001");
  dossier.set_status(common::v1::DOSSIER_STATUS_PROCESSING);
  dossier.mutable_accepted_at()->set_seconds(1784000000);
  dossier.mutable_due()->set_date("2026-08-01");
  dossier.mutable_applicant()->set_name("Nguyễn Văn A");
  return dossier;
}

TEST(Output, TimesAreShownInTheZone) {
  EXPECT_EQ(FormatLocal(absl::FromUnixSeconds(0), absl::FixedTimeZone(7 * 3600)), "1970-01-01 07:00");
  EXPECT_EQ(FormatLocal(absl::FromUnixMillis(1250), absl::UTCTimeZone()), "1970-01-01 00:00:01.25");
}

TEST(Output, LinesInBothLanguages) {
  std::ostringstream vi, en;
  PrintMessage(Sample(), Vietnamese(), vi);
  PrintMessage(Sample(), English(), en);
  EXPECT_THAT(vi.str(), HasSubstr("Trạng thái: 4 Đang xử lý\n"));
  EXPECT_THAT(vi.str(), HasSubstr("Ngày hẹn trả: 2026-08-01\n"));
  EXPECT_THAT(en.str(), HasSubstr("Status: 4 processing\n"));
  EXPECT_THAT(en.str(), HasSubstr("Applicant:\n  Name: Nguyễn Văn A\n"));
}

TEST(Output, ValuesByPath) {
  EXPECT_EQ(Value(Sample(), "applicant.name", English()), "Nguyễn Văn A");
  EXPECT_EQ(Value(Sample(), "due.date", English()), "2026-08-01");
  EXPECT_EQ(Value(Sample(), "result_at", English()), "");
  EXPECT_EQ(Value(Sample(), "no_such_field", English()), "");
  routing::v1::CustodyLine line;
  EXPECT_EQ(Value(line, "to", English()), "");
}

TEST(Output, JsonIsTheContracts) {
  EXPECT_THAT(Json(Sample()), HasSubstr("\"status\":\"DOSSIER_STATUS_PROCESSING\""));
  EXPECT_THAT(Json(Sample()), HasSubstr("\"accepted_at\":\"2026-07-14T"));
}

TEST(Output, ColumnsAlignByCharacters) {
  Table table({"Tên", "Số"});
  table.Add({"Nguyễn", "1"});
  table.Add({"An", "2"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(), "Tên     Số\n----------\nNguyễn  1\nAn      2\n");
  EXPECT_EQ(Width("Nguyễn"), 6u);
}

TEST(Output, ErrorsListEveryViolatedField) {
  errors::Violations violations;
  violations.Add("applicant.name", "FIELD_REQUIRED", "must not be empty");
  violations.Add("procedure", "UNKNOWN_PROCEDURE", "is not a procedure of the jurisdiction");
  const absl::Status status = violations.ToStatus("UNKNOWN_PROCEDURE");
  std::ostringstream vi, en, json;
  PrintError(status, Vietnamese(), false, "0af7651916cd43dd8448eb211c80319c", vi);
  PrintError(status, English(), false, "", en);
  PrintError(status, English(), true, "0af7651916cd43dd8448eb211c80319c", json);
  EXPECT_THAT(vi.str(), HasSubstr("lỗi: " + errors::VietnameseMessage(status)));
  for (const std::string& text : {vi.str(), en.str()}) EXPECT_THAT(text, HasSubstr("[UNKNOWN_PROCEDURE]"));
  EXPECT_THAT(en.str(), HasSubstr("\n  applicant.name: must not be empty\n  procedure: is not"));
  EXPECT_THAT(vi.str(), HasSubstr("\n  applicant.name: Mục này bắt buộc phải có.\n  procedure: Thủ tục"));
  EXPECT_THAT(json.str(), HasSubstr("\"reason\":\"UNKNOWN_PROCEDURE\""));
  EXPECT_THAT(json.str(), HasSubstr("{\"field\":\"procedure\",\"reason\":\"UNKNOWN_PROCEDURE\","));
  EXPECT_THAT(json.str(), HasSubstr(",\"trace\":\"0af7651916cd43dd8448eb211c80319c\"}}"));
  EXPECT_THAT(vi.str(), HasSubstr("0af7651916cd43dd8448eb211c80319c\n"));
  EXPECT_EQ(en.str().find("race"), std::string::npos) << "nothing to tell";
}

TEST(Output, JsonErrorsEscapeWhatTheyQuote) {
  std::ostringstream out;
  PrintError(absl::InvalidArgumentError("a \"quoted\"\nline"), English(), true, "", out);
  EXPECT_THAT(out.str(), HasSubstr("a \\\"quoted\\\"\\u000aline"));
}

}  // namespace
}  // namespace motcua::client
