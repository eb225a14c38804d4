#include "clients/motcua/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

using testing::HasSubstr;

absl::TimeZone Saigon() { return absl::FixedTimeZone(7 * 3600); }

TEST(Fields, TimesAreLocalOrHaveAnOffset) {
  intake::v1::FileRequest request;
  ASSERT_TRUE(SetField(request, "submitted_at", "2026-07-14T08:00", Saigon).ok());
  EXPECT_EQ(request.submitted_at().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilSecond(2026, 7, 14, 1), absl::UTCTimeZone())));
  ASSERT_TRUE(SetField(request, "counted_from", "2026-07-14T08:00:00+07:00", Saigon).ok());
  EXPECT_EQ(request.counted_from().seconds(), request.submitted_at().seconds());
  EXPECT_FALSE(SetField(request, "submitted_at", "yesterday", Saigon).ok());
}

TEST(Fields, LimitsPapersAndNestedFields) {
  routing::v1::ConsultRequest consult;
  ASSERT_TRUE(SetField(consult, "limit", "2wd", Saigon).ok());
  EXPECT_EQ(consult.limit().tenths(), 20u);
  EXPECT_FALSE(SetField(consult, "limit", "2 weeks", Saigon).ok());
  intake::v1::FileRequest file;
  ASSERT_TRUE(SetField(file, "components", "Tờ khai:2:bản chính", Saigon).ok());
  ASSERT_TRUE(SetField(file, "components", "Giấy chứng sinh", Saigon).ok());
  EXPECT_EQ(file.components(0).count(), 2u);
  EXPECT_EQ(file.components(0).form(), "bản chính");
  EXPECT_EQ(file.components(1).name(), "Giấy chứng sinh");
  ASSERT_TRUE(SetField(file, "applicant.name", "Nguyễn Văn A", Saigon).ok());
  EXPECT_EQ(file.applicant().name(), "Nguyễn Văn A");
}

TEST(Fields, EnumsByTheEndOfTheirName) {
  deadline::v1::ChangeDueRequest request;
  ASSERT_TRUE(SetField(request, "kind", "agreed", Saigon).ok());
  EXPECT_EQ(request.kind(), feed::v1::DUE_CHANGE_KIND_AGREED);
  const absl::Status wrong = SetField(request, "kind", "whatever", Saigon);
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("agreed, reappointment, pause"));
}

TEST(Fields, NumbersAreChecked) {
  intake::v1::RateRequest request;
  EXPECT_TRUE(SetField(request, "score", "3", Saigon).ok());
  EXPECT_FALSE(SetField(request, "score", "-1", Saigon).ok());
  EXPECT_FALSE(SetField(request, "score", "99999999999", Saigon).ok());
}

// The command line knows every field of every mutation, but for reference data, which come from files.
TEST(Fields, FlagsCoverTheRequest) {
  const std::vector<FlagField> flags = FlagsOf(intake::v1::FileRequest::descriptor());
  const auto has = [&](const std::string& flag) {
    return std::any_of(flags.begin(), flags.end(),
                       [&](const FlagField& known) { return known.flag == flag; });
  };
  for (const char* flag : {"--request-id", "--receiving-agency", "--name", "--email", "--components",
                           "--counted-from", "--accept"}) {
    EXPECT_TRUE(has(flag)) << flag;
  }
  for (const FlagField& of_reference : FlagsOf(intake::v1::ApplyReferenceRequest::descriptor())) {
    EXPECT_NE(of_reference.flag.substr(0, 5), "--set") << of_reference.flag;
  }
}

}  // namespace
}  // namespace motcua::client
