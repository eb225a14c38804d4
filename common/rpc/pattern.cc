#include "common/rpc/pattern.h"

#include <algorithm>

#include "common/text/text.h"

namespace motcua::rpc {
namespace {

using validate::v1::Pattern;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsAlnum(char c) { return IsDigit(c) || IsUpper(c) || (c >= 'a' && c <= 'z'); }

bool AllDigits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }

bool AlnumOr(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [others](char c) { return IsAlnum(c) || others.find(c) != std::string_view::npos; });
}

int Number(std::string_view digits) {
  int number = 0;
  for (char c : digits) number = number * 10 + (c - '0');
  return number;
}

bool IsDay(int year, int month, int day) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[month - 1] + (leap && month == 2 ? 1 : 0);
}

// The part of an agency id that names the province or ministry, and the shard.
bool IsShard(std::string_view text) {
  return text.size() == 3 && IsUpper(text[0]) && IsDigit(text[1]) && IsDigit(text[2]);
}

// QCVN 102:2016: `000.05.18.H30`.
bool IsQcvnAgency(std::string_view text) {
  return text.size() == 13 && AllDigits(text.substr(0, 3)) && text[3] == '.' && AllDigits(text.substr(4, 2)) &&
         text[6] == '.' && AllDigits(text.substr(7, 2)) && text[9] == '.' && IsShard(text.substr(10));
}

// Decision 20/2020/QĐ-TTg: the top, then at most three groups of one to three letters or digits; 35 characters.
bool IsAgency(std::string_view text) {
  if (IsQcvnAgency(text)) return true;
  if (text.size() > 35 || !IsShard(text.substr(0, 3))) return false;
  text.remove_prefix(3);
  for (int groups = 0; !text.empty(); ++groups) {
    if (groups == 3 || text[0] != '.') return false;
    text.remove_prefix(1);
    size_t length = std::min(text.find('.'), text.size());
    if (length < 1 || length > 3 || !AlnumOr(text.substr(0, length), "")) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Agency, day of receipt as yymmdd, number of the day with four to seven digits.
bool IsDossierCode(std::string_view text) {
  size_t dash = text.find('-');
  if (dash == std::string_view::npos || !IsAgency(text.substr(0, dash))) return false;
  text.remove_prefix(dash + 1);
  if (text.size() < 11 || text.size() > 14 || text[6] != '-') return false;
  std::string_view day = text.substr(0, 6);
  return AllDigits(day) && IsDay(2000 + Number(day.substr(0, 2)), Number(day.substr(2, 2)), Number(day.substr(4, 2))) &&
         AllDigits(text.substr(7));
}

bool IsIsoDate(std::string_view text) {
  return text.size() == 10 && AllDigits(text.substr(0, 4)) && text[4] == '-' && AllDigits(text.substr(5, 2)) &&
         text[7] == '-' && AllDigits(text.substr(8)) && Number(text.substr(0, 4)) >= 1 &&
         IsDay(Number(text.substr(0, 4)), Number(text.substr(5, 2)), Number(text.substr(8)));
}

bool IsDomain(std::string_view text) {
  if (text.size() > 253 || text.find('.') == std::string_view::npos) return false;
  while (true) {
    size_t length = std::min(text.find('.'), text.size());
    std::string_view label = text.substr(0, length);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' || !AlnumOr(label, "-")) {
      return false;
    }
    if (length == text.size()) return true;
    text.remove_prefix(length + 1);
  }
}

bool IsEmail(std::string_view text) {
  size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  std::string_view local = text.substr(0, at);
  return local.front() != '.' && local.back() != '.' && local.find("..") == std::string_view::npos &&
         AlnumOr(local, ".!#$%&'*+/=?^_`{|}~-") && IsDomain(text.substr(at + 1));
}

}  // namespace

bool Matches(Pattern pattern, std::string_view text) {
  switch (pattern) {
    case Pattern::PATTERN_DOSSIER_CODE:
      return IsDossierCode(text);
    case Pattern::PATTERN_AGENCY_ID:
      return IsAgency(text);
    case Pattern::PATTERN_PROCEDURE_CODE:
      return text.size() <= 64 && IsAlnum(text.front()) && AlnumOr(text, ".-");
    case Pattern::PATTERN_REQUEST_ID:
      return text.size() >= 8 && text.size() <= 64 && AlnumOr(text, "._:/-");
    case Pattern::PATTERN_SHARD:
      return IsShard(text);
    case Pattern::PATTERN_ISO_DATE:
      return IsIsoDate(text);
    case Pattern::PATTERN_EMAIL:
      return IsEmail(text);
    case Pattern::PATTERN_IDENTIFIER:
      return text.size() <= 64 && AlnumOr(text, "._-");
    case Pattern::PATTERN_NAME:
      return text::IsName(text);
    default:
      return true;
  }
}

std::string_view PatternDescription(Pattern pattern) {
  switch (pattern) {
    case Pattern::PATTERN_DOSSIER_CODE:
      return "must be a dossier code such as H30.18.05-260714-0001";
    case Pattern::PATTERN_AGENCY_ID:
      return "must be an agency id such as H30.18.05 or 000.05.18.H30";
    case Pattern::PATTERN_PROCEDURE_CODE:
      return "must be a procedure code such as 1.001193: letters, digits, dots and dashes";
    case Pattern::PATTERN_REQUEST_ID:
      return "must be 8 to 64 characters of A-Z a-z 0-9 . _ : / -";
    case Pattern::PATTERN_SHARD:
      return "must be a jurisdiction such as H30";
    case Pattern::PATTERN_ISO_DATE:
      return "must be a date that exists, such as 2025-02-06";
    case Pattern::PATTERN_EMAIL:
      return "must be an e-mail address";
    case Pattern::PATTERN_IDENTIFIER:
      return "must be 1 to 64 characters of A-Z a-z 0-9 . _ -";
    case Pattern::PATTERN_NAME:
      return "must be one line on which something can be seen";
    default:
      return "has an unknown format";
  }
}

}  // namespace motcua::rpc
