// Promises of text: names that look the same are the same, and a name can be seen.
#include "common/text/text.h"

#include "gtest/gtest.h"

namespace motcua::text {
namespace {

TEST(Normal, WhatLooksTheSameIsTheSame) {
  const std::string composed = "Giấy chứng nhận";
  EXPECT_EQ(Normal(composed), composed);
  // a + circumflex + acute, as macOS writes it.
  EXPECT_EQ(Normal("Gia\u0302\u0301y chu\u031B\u0301ng nha\u0323\u0302n"), composed);
  EXPECT_EQ(Normal("  Giấy\u00A0chứng \t\n nhận "), composed);
  EXPECT_EQ(Normal("Giấy\u3000chứng nhận\u2028"), composed);
}

TEST(Normal, WhatDiffersStaysApart) {
  EXPECT_NE(Normal("Giấy chứng nhận"), Normal("Giấy chứng nhân"));
  EXPECT_NE(Normal("Đơn"), Normal("Don"));
  EXPECT_NE(Normal("ĐƠN"), Normal("Đơn"));
  EXPECT_EQ(Normal(""), "");
  EXPECT_EQ(Normal(" \u00A0 "), "");
}

TEST(Normal, BytesThatAreNoTextStay) { EXPECT_EQ(Normal("a \xC3\x28 "), "a \xC3\x28 "); }

TEST(Name, IsSomethingThatCanBeSeenOnOneLine) {
  for (const char* name :
       {"Nguyễn Thị Hoa", "O", "Công ty TNHH \"A & B\"", "Gia\u0302\u0301y", "木", "می\u200Cخواهم"})
    EXPECT_TRUE(IsName(name)) << name;
  for (const char* none : {"   ", "\u00A0\u3000", "\u200B", "\u200B \uFEFF", "\u00AD", "", "A\nB", "A\r\nB",
                           "A\tB", "A\u2028B", "A\u202Egnp.exe", "\u2066A", "A\x01"})
    EXPECT_FALSE(IsName(none)) << none;
  EXPECT_FALSE(IsName("\xC3\x28"));
}

}  // namespace
}  // namespace motcua::text
