// Promises of the validator: every violation with its full path, on real messages of the contract.
#include "common/rpc/validator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/feed/v1/feed.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "tests/support/violations.h"

namespace motcua::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

test::Pairs Check(const google::protobuf::Message& message) {
  errors::Violations violations;
  Validate(message, violations);
  return test::Described(violations.kept());
}

routing::v1::ConsultRequest Consultation() {
  routing::v1::ConsultRequest request;
  request.set_request_id("request-1");
  request.set_dossier("H30.18.05-260714-0001");
  request.add_agencies("H30.18.TC");
  request.set_question("Ý kiến về hồ sơ?\n(dòng thứ hai)");
  return request;
}

TEST(Validator, AGoodRequestHasNoViolations) { EXPECT_THAT(Check(Consultation()), IsEmpty()); }

TEST(Validator, AllViolationsAreFoundAtOnceWithTheirPaths) {
  routing::v1::ConsultRequest request = Consultation();
  request.clear_request_id();
  request.set_dossier("nonsense");
  request.add_agencies("?");
  request.add_agencies("");
  request.set_question(std::string(2001, 'x'));
  request.mutable_limit()->set_unit(static_cast<common::v1::LimitUnit>(99));
  EXPECT_THAT(Check(request),
              UnorderedElementsAre(Pair("request_id", "must not be empty"), Pair("dossier", HasSubstr("dossier code")),
                                   Pair("agencies[1]", HasSubstr("agency id")),
                                   Pair("agencies[2]", "must not be empty"),
                                   Pair("question", "must have at most 2000 characters"),
                                   Pair("limit.unit", "must be one of the named values")));
}

TEST(Validator, LengthCountsCharactersNotBytes) {
  routing::v1::ConsultRequest request = Consultation();
  std::string question;
  for (int i = 0; i < 2000; ++i) question += "ệ";
  request.set_question(question);
  EXPECT_THAT(Check(request), IsEmpty());
  request.set_question(question + "ệ");
  EXPECT_THAT(Check(request), ElementsAre(Pair("question", HasSubstr("2000 characters"))));
}

TEST(Validator, RequiredListsHaveAnItemAndNoListIsEndless) {
  routing::v1::ConsultRequest request = Consultation();
  request.clear_agencies();
  EXPECT_THAT(Check(request), ElementsAre(Pair("agencies", "must have at least one item")));
  for (int i = 0; i < 11; ++i) request.add_agencies("H30");
  EXPECT_THAT(Check(request), ElementsAre(Pair("agencies", "must have at most 10 items")));
}

TEST(Validator, RequiredMessagesMustBeSet) {
  EXPECT_THAT(Check(admin::v1::AdvanceRequest()), ElementsAre(Pair("to", "must be set")));
}

TEST(Validator, TimesLieInTheirRange) {
  admin::v1::AdvanceRequest request;
  request.mutable_to()->set_seconds(253402300800);
  EXPECT_THAT(Check(request), ElementsAre(Pair("to", HasSubstr("range"))));
  request.mutable_to()->set_seconds(0);
  request.mutable_to()->set_nanos(-1);
  EXPECT_THAT(Check(request), ElementsAre(Pair("to", HasSubstr("range"))));
  request.mutable_to()->set_nanos(999999999);
  EXPECT_THAT(Check(request), IsEmpty());
}

TEST(Validator, NumbersKeepTheirRangeAndRequiredOnesAreNotZero) {
  intake::v1::RateRequest request;
  request.set_request_id("request-1");
  request.set_dossier("H30.18.05-260714-0001");
  EXPECT_THAT(Check(request), ElementsAre(Pair("score", "must not be 0")));
  request.set_score(4);
  EXPECT_THAT(Check(request), ElementsAre(Pair("score", "must be at most 3")));
  request.set_score(4000000000u);
  EXPECT_THAT(Check(request), ElementsAre(Pair("score", "must be at most 3")));
  request.set_score(3);
  EXPECT_THAT(Check(request), IsEmpty());
  feed::v1::ReadRequest read;
  read.set_shard("H30");
  EXPECT_THAT(Check(read), IsEmpty()) << "0 stands for the default";
  read.set_max_batch(1001);
  EXPECT_THAT(Check(read), ElementsAre(Pair("max_batch", "must be at most 1000")));
}

TEST(Validator, TextIsValidUtf8WithoutControlCharacters) {
  routing::v1::ConsultRequest request = Consultation();
  for (const std::string& text :
       {std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"),
        std::string("abc\xe1\xbb"), std::string("\xe0\x80\x80")}) {
    request.set_question(text);
    EXPECT_THAT(Check(request), ElementsAre(Pair("question", "must be valid UTF-8")));
  }
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("a\x1b[31m"), std::string("a\x7f"), std::string("a\xc2\x85")}) {
    request.set_question(text);
    EXPECT_THAT(Check(request), ElementsAre(Pair("question", "must not contain control characters")));
  }
}

TEST(Validator, NestingIsBounded) {
  google::protobuf::Value value;
  google::protobuf::Value* innermost = &value;
  for (int i = 0; i < 90; ++i) innermost = innermost->mutable_list_value()->add_values();
  innermost->set_string_value("x");
  const test::Pairs found = Check(value);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].second, "is nested too deep");
}

TEST(Validator, NoValueIsRepeatedInAViolation) {
  intake::v1::LookUpRequest request;
  request.set_dossier("secret-looking code");
  request.set_secret(std::string(40, 'S'));
  for (const auto& [path, description] : Check(request)) {
    EXPECT_THAT(description, Not(HasSubstr("SSS")));
    EXPECT_THAT(description, Not(HasSubstr("secret-looking")));
  }
}

TEST(Validator, RandomBytesNeitherCrashNorHang) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  std::string good = Consultation().SerializeAsString();
  int parsed = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = good;
    if (round % 2 == 0) {
      bytes.resize(random() % 120);
      for (char& c : bytes) c = static_cast<char>(random());
    } else {
      for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    for (google::protobuf::Message* message :
         std::initializer_list<google::protobuf::Message*>{new routing::v1::ConsultRequest(),
                                                           new intake::v1::FileRequest(),
                                                           new google::protobuf::Struct()}) {
      if (message->ParseFromString(bytes)) ++parsed;
      (void)Validate(*message);
      delete message;
    }
  }
  EXPECT_GT(parsed, 0);
}

TEST(WithoutPersonalData, SensitiveFieldsAreGone) {
  intake::v1::LookUpRequest request;
  request.set_dossier("H30.18.05-260714-0001");
  request.set_secret("ABCDEFGH");
  std::string line = WithoutPersonalData(request);
  EXPECT_THAT(line, HasSubstr("H30.18.05-260714-0001"));
  EXPECT_THAT(line, Not(HasSubstr("ABCDEFGH")));
}

}  // namespace
}  // namespace motcua::rpc
