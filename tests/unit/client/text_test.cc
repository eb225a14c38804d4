#include "clients/motcua/text.h"

#include <gtest/gtest.h>

namespace motcua::client {
namespace {

TEST(Text, IsCutBetweenCharacters) {
  EXPECT_EQ(FirstCharacters("Hồ sơ", 2), "Hồ");
  EXPECT_EQ(FirstCharacters("Hồ sơ", 5), "Hồ sơ");
  EXPECT_EQ(FirstCharacters("Hồ sơ", 50), "Hồ sơ");
  EXPECT_EQ(FirstCharacters("𠀀𠀁", 1), "𠀀");
  EXPECT_EQ(FirstCharacters("", 5), "");
}

TEST(Text, WhatIsNoCharacterIsNoUtf8) {
  EXPECT_TRUE(IsUtf8("Nguyễn 𠀀"));
  // Torn, overlong, half of a pair, beyond the last, a byte that begins nothing.
  for (const char* text : {"\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xFF", "\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
    EXPECT_EQ(FirstCharacters(std::string("a") + text, 9), "a");
  }
}

}  // namespace
}  // namespace motcua::client
