// Promises of the conversion: what goes in one side comes out of the other, and what gRPC cannot carry is left out.
#include "common/rpc/grpc_status.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"

namespace motcua::rpc {
namespace {

TEST(GrpcStatus, ErrorsSurviveTheRoundTrip) {
  errors::Violations violations;
  violations.Add("items[2].name", "FIELD_REQUIRED", "must not be empty");
  for (const absl::Status& status :
       {errors::NotFound("DOSSIER_NOT_FOUND", "no dossier", {{"dossier", "H30-1"}}),
        errors::FailedPrecondition("DOSSIER_ENDED", "ended"),
        errors::Unavailable("STORE_UNAVAILABLE", "gone"), errors::Cancelled("CANCELLED", "gone"),
        violations.ToStatus()}) {
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(GrpcStatus, WhatLeavesHasAReason) {
  absl::Status status = FromGrpc(ToGrpc(absl::InternalError("plain")));
  EXPECT_EQ(status.message(), "plain");
  EXPECT_EQ(errors::Reason(status), "INTERNAL");
  EXPECT_FALSE(errors::VietnameseMessage(status).empty());
}

TEST(GrpcStatus, ALostConnectionLeavesTheOutcomeUnknown) {
  absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed"));
  EXPECT_EQ(errors::Reason(status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(errors::Reason(FromGrpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""))), "DEADLINE_EXCEEDED");
}

TEST(GrpcStatus, ACallThatCrossedTheServersGoodByeMayBeRepeated) {
  absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::CANCELLED, "CANCELLED"));
  EXPECT_TRUE(errors::IsRetryable(status));
  EXPECT_EQ(errors::Reason(status), "OUTCOME_UNKNOWN");
}

TEST(GrpcStatus, DetailsStayBelowTheLimitOfMetadata) {
  errors::Violations violations;
  for (int i = 0; i < 100; ++i)
    violations.Add(absl::StrCat("items[", i, "].", std::string(200, 'n')), "FIELD_MALFORMED", "is wrong");
  grpc::Status sent = ToGrpc(violations.ToStatus());
  EXPECT_LT(sent.error_details().size() + sent.error_message().size(), 8u * 1024);
  const absl::Status read = FromGrpc(sent);
  EXPECT_EQ(errors::Reason(read), "INVALID_REQUEST");
  EXPECT_FALSE(errors::VietnameseMessage(read).empty());
  const std::vector<errors::FieldViolation> told = errors::FieldViolations(read);
  EXPECT_GT(told.size(), 10u) << "as many as there is room for";
  EXPECT_LT(told.size(), 100u);
  EXPECT_EQ(told[0].reason, "FIELD_MALFORMED");
  grpc::Status huge = ToGrpc(errors::Internal("INTERNAL", std::string(100000, 'x')));
  EXPECT_LT(huge.error_message().size(), 2000u);
}

TEST(GrpcStatus, DetailsComeInOneOrderAndNothingElseLeaves) {
  absl::Status status = errors::FailedPrecondition("DOSSIER_ENDED", "ended");
  status.SetPayload("redis.error_text", absl::Cord("-ERR script 0af7"));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(ToGrpc(status).error_details()));
  std::vector<std::string> urls;
  for (const auto& any : details.details()) urls.push_back(any.type_url());
  EXPECT_THAT(urls, testing::ElementsAre("type.googleapis.com/google.rpc.ErrorInfo",
                                         "type.googleapis.com/google.rpc.LocalizedMessage",
                                         "type.googleapis.com/google.rpc.PreconditionFailure"));
}

TEST(GrpcStatus, MalformedDetailsDoNoHarm) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  std::string good = ToGrpc(errors::NotFound("DOSSIER_NOT_FOUND", "none")).error_details();
  for (int round = 0; round < 5000; ++round) {
    std::string details = good;
    for (int k = 0; k < 1 + static_cast<int>(random() % 4); ++k) {
      details[random() % details.size()] = static_cast<char>(random());
    }
    absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::NOT_FOUND, "none", details));
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_FALSE(errors::Reason(status).empty());
  }
  EXPECT_EQ(FromGrpc(grpc::Status(grpc::StatusCode::ABORTED, "other", good)).code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace motcua::rpc
