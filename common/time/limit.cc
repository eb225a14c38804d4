#include "common/time/limit.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace motcua::time {
namespace {

using common::v1::Limit;

absl::Status NotALimit(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text.substr(0, 40), "\" is not a limit such as 5wd, 0.5wd, 15cd or 4wh"));
}

}  // namespace

absl::Status CheckLimit(const Limit& limit) {
  if (limit.unit() == common::v1::LIMIT_UNIT_UNSPECIFIED || !common::v1::LimitUnit_IsValid(limit.unit())) {
    return absl::InvalidArgumentError("the limit has no unit");
  }
  if (limit.tenths() < 1 || limit.tenths() > kMaxLimitTenths) {
    return absl::InvalidArgumentError(
        absl::StrCat("a limit is 0.1 to ", kMaxLimitTenths / 10, " units, not ", FormatLimit(limit)));
  }
  if (limit.unit() == common::v1::LIMIT_UNIT_CALENDAR_DAYS && limit.tenths() % 10 != 0) {
    return absl::InvalidArgumentError(absl::StrCat("calendar days are whole, not ", FormatLimit(limit)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Limit> ParseLimit(absl::string_view text) {
  absl::string_view number = text;
  Limit limit;
  if (absl::ConsumeSuffix(&number, "wd")) {
    limit.set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  } else if (absl::ConsumeSuffix(&number, "cd")) {
    limit.set_unit(common::v1::LIMIT_UNIT_CALENDAR_DAYS);
  } else if (absl::ConsumeSuffix(&number, "wh")) {
    limit.set_unit(common::v1::LIMIT_UNIT_WORKING_HOURS);
  } else {
    return NotALimit(text);
  }
  uint64_t tenths = 0;
  size_t digits = 0;
  while (digits < number.size() && digits < 9 && absl::ascii_isdigit(number[digits])) {
    tenths = tenths * 10 + (number[digits++] - '0');
  }
  tenths *= 10;
  number.remove_prefix(digits);
  if (number.size() == 2 && number[0] == '.' && absl::ascii_isdigit(number[1])) {
    tenths += number[1] - '0';
    number.remove_prefix(2);
  }
  if (digits == 0 || !number.empty()) return NotALimit(text);
  if (tenths > kMaxLimitTenths) tenths = kMaxLimitTenths + 1;
  limit.set_tenths(static_cast<uint32_t>(tenths));
  if (absl::Status status = CheckLimit(limit); !status.ok()) return status;
  return limit;
}

std::string FormatLimit(const Limit& limit) {
  std::string text = absl::StrCat(limit.tenths() / 10);
  if (limit.tenths() % 10 != 0) absl::StrAppend(&text, ".", limit.tenths() % 10);
  switch (limit.unit()) {
    case common::v1::LIMIT_UNIT_WORKING_DAYS:
      return text + "wd";
    case common::v1::LIMIT_UNIT_CALENDAR_DAYS:
      return text + "cd";
    case common::v1::LIMIT_UNIT_WORKING_HOURS:
      return text + "wh";
    default:
      return text + "?";
  }
}

}  // namespace motcua::time
