// Promises of errors: a reason, a Vietnamese text and the right details on every one; all violations at once.
#include "common/status/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/status/messages_vi.h"
#include "tests/support/violations.h"

namespace motcua::errors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Errors, EveryCodeCarriesReasonMetadataAndVietnameseText) {
  for (int code = 1; code <= 16; ++code) {
    absl::Status status = Make(static_cast<absl::StatusCode>(code), "SOME_REASON", "text", {{"key", "value"}});
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_EQ(Reason(status), "SOME_REASON");
    EXPECT_EQ(MetadataValue(status, "key"), "value");
    EXPECT_EQ(MetadataValue(status, "other"), "");
    EXPECT_FALSE(VietnameseMessage(status).empty());
  }
}

TEST(Errors, OkIsNeverMadeAnErrorNorAnErrorOk) {
  EXPECT_EQ(Make(absl::StatusCode::kOk, "X", "y").code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(Prefixed(absl::OkStatus(), "context").ok());
  EXPECT_EQ(Reason(absl::OkStatus()), "");
  EXPECT_EQ(Reason(absl::UnknownError("without details")), "");
}

TEST(Errors, AKnownReasonHasItsOwnText) {
  EXPECT_THAT(VietnameseMessage(NotFound("DOSSIER_NOT_FOUND", "no dossier")), HasSubstr("Không tìm thấy hồ sơ"));
  EXPECT_TRUE(HasTextVi("VERSION_MISMATCH"));
  EXPECT_FALSE(HasTextVi("NEVER_HEARD_OF"));
  EXPECT_FALSE(HasTextVi(""));
}

TEST(Errors, WhatMayBeRetriedSaysWhen) {
  EXPECT_GT(RetryDelay(Unavailable("STORE_UNAVAILABLE", "gone")), absl::ZeroDuration());
  EXPECT_GT(RetryDelay(ResourceExhausted("TOO_MANY_CALLS", "busy")), absl::ZeroDuration());
  EXPECT_EQ(RetryDelay(NotFound("X", "y")), absl::ZeroDuration());
  EXPECT_TRUE(IsRetryable(Aborted("CONFLICT", "raced")));
  EXPECT_FALSE(IsRetryable(FailedPrecondition("DOSSIER_ENDED", "ended")));
  EXPECT_FALSE(IsRetryable(absl::OkStatus()));
}

TEST(Errors, WhatDoesNotPassByItselfDoesNotAskToBeRepeated) {
  for (const char* lasting :
       {"REQUEST_TOO_LARGE", "CODE_SPACE_EXHAUSTED", "UPLOAD_TOO_LARGE", "TOO_MANY_GUESSES"}) {
    const absl::Status status = ResourceExhausted(lasting, "no");
    EXPECT_EQ(RetryDelay(status), absl::ZeroDuration()) << lasting;
    EXPECT_FALSE(IsRetryable(status)) << lasting;
  }
  const absl::Status later =
      RetryAfter(ResourceExhausted("TOO_MANY_GUESSES", "no"), absl::Milliseconds(61500));
  EXPECT_EQ(RetryDelay(later), absl::Milliseconds(61500));
  EXPECT_TRUE(RetryAfter(absl::OkStatus(), absl::Seconds(1)).ok());
}

TEST(Errors, AContextKeepsTheDetails) {
  absl::Status status = Prefixed(NotFound("DOSSIER_NOT_FOUND", "none", {{"dossier", "H30-1"}}), "route");
  EXPECT_EQ(status.message(), "route: none");
  EXPECT_EQ(Reason(status), "DOSSIER_NOT_FOUND");
  EXPECT_EQ(MetadataValue(status, "dossier"), "H30-1");
}

TEST(Violations, AllAreReported) {
  Violations violations;
  EXPECT_TRUE(violations.empty());
  EXPECT_TRUE(violations.ToStatus().ok());
  violations.Add("name", "FIELD_REQUIRED", "must not be empty");
  violations.Add("items[2].code", "UNKNOWN_PROCEDURE", "must be a procedure code");
  absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Reason(status), "INVALID_REQUEST");
  EXPECT_THAT(test::Violations(status), ElementsAre(Pair("name", "must not be empty"),
                                                    Pair("items[2].code", "must be a procedure code")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("items[2].code"));
  EXPECT_THAT(test::ViolationReasons(status),
              ElementsAre(Pair("name", "FIELD_REQUIRED"), Pair("items[2].code", "UNKNOWN_PROCEDURE")));
  for (const FieldViolation& violation : FieldViolations(status))
    EXPECT_EQ(violation.text_vi, TextVi(absl::StatusCode::kInvalidArgument, violation.reason));
}

TEST(Violations, ATextOfItsOwnIsTold) {
  Violations violations;
  violations.Add("subject", "FIELD_TOO_LONG", "must have at most 5 bytes", "Mục này có tối đa 5 byte.");
  EXPECT_EQ(FieldViolations(violations.ToStatus())[0].text_vi, "Mục này có tối đa 5 byte.");
}

TEST(Violations, TheirNumberIsBounded) {
  Violations violations;
  for (int i = 0; i < 100000; ++i)
    violations.Add(absl::StrCat("items[", i, "]"), "FIELD_MALFORMED", "is wrong");
  EXPECT_EQ(violations.size(), 100000u);
  absl::Status status = violations.ToStatus();
  EXPECT_EQ(test::Violations(status).size(), Violations::kMaxKept);
  EXPECT_THAT(std::string(status.message()), HasSubstr("and 99995 more"));
}

TEST(Violations, OtherErrorsHaveNone) { EXPECT_THAT(test::Violations(NotFound("X", "y")), IsEmpty()); }

}  // namespace
}  // namespace motcua::errors
