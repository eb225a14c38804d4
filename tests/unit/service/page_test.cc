// Promises of pages: bounded by bytes, and never empty because of them.
#include "common/service/page.h"

#include <string>

#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "gtest/gtest.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::service {
namespace {

using Request = intake::v1::ListDossiersRequest;
using Response = intake::v1::ListDossiersResponse;

// What a list of items of this size answers to a request with so many.
Response Asked(uint32_t page_size, size_t item_bytes) {
  async::Loop loop("test");
  Request request;
  request.set_page_size(page_size);
  auto ask = [item_bytes](const Request& page, size_t* bytes) -> async::Task<absl::StatusOr<Response>> {
    Response response;
    for (uint32_t i = 0; i < page.page_size(); ++i)
      response.add_dossiers()->set_subject(std::string(item_bytes, 'x'));
    *bytes = response.ByteSizeLong();
    co_return response;
  };
  auto page = PageWithin<Response>(request, 50, ask);
  return async::SyncWait(loop, std::move(page)).value();
}

TEST(Page, WhatFitsIsAsAskedFor) {
  EXPECT_EQ(Asked(0, 100).dossiers_size(), 50) << "the default";
  EXPECT_EQ(Asked(200, 100).dossiers_size(), 200);
}

TEST(Page, WhatIsTooLargeIsHalvedUntilItFits) {
  EXPECT_EQ(Asked(48, 100'000).dossiers_size(), 12);
  EXPECT_LE(Asked(200, 100'000).ByteSizeLong(), kMostPageBytes);
}

TEST(Page, ASingleItemIsToldWhateverItsSize) { EXPECT_EQ(Asked(200, 3'000'000).dossiers_size(), 1); }

}  // namespace
}  // namespace motcua::service
