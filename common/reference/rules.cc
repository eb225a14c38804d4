#include "common/reference/rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/time/iso.h"
#include "common/time/limit.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/stubs/common.h"

namespace motcua::reference {
namespace {

constexpr size_t kMaxText = 1000;   // bytes of names, notes, subjects
constexpr size_t kMaxBody = 10000;  // bytes of a message's body

template <typename List>
absl::flat_hash_map<absl::string_view, int> IndexOf(const List& list) {
  absl::flat_hash_map<absl::string_view, int> index;
  index.reserve(list.size());
  for (int i = 0; i < list.size(); ++i) index.try_emplace(list[i].id(), i);
  return index;
}

void CheckText(const std::string& path, const std::string& text, bool body, Report& report) {
  const size_t most = body ? kMaxBody : kMaxText;
  if (text.size() > most) report.Add(path, "longer than ", most, " bytes");
  if (!google::protobuf::internal::IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()))) {
    report.Add(path, "not valid UTF-8");
    return;
  }
  const bool control = std::any_of(text.begin(), text.end(), [body](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && !(body && (c == '\n' || c == '\t'));
  });
  if (control) report.Add(path, "contains control characters");
}

void CheckTexts(const std::string& prefix, const google::protobuf::Message& message, Report& report) {
  using google::protobuf::FieldDescriptor;
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = prefix.empty() ? field->name() : Field(prefix, field->name());
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string item = field->is_repeated() ? Item(path, i) : path;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CheckTexts(item,
                   field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                        : reflection->GetMessage(message, field),
                   report);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        std::string scratch;
        const std::string& text = field->is_repeated()
                                      ? reflection->GetRepeatedStringReference(message, field, i, &scratch)
                                      : reflection->GetStringReference(message, field, &scratch);
        CheckText(item, text, field->name() == "body", report);
      }
    }
  }
}

}  // namespace

std::string Quote(absl::string_view text) {
  constexpr size_t kShown = 60;
  return absl::StrCat("\"", text.substr(0, kShown), text.size() > kShown ? "..." : "", "\"");
}

Index::Index(const v1::ReferenceSet& set)
    : agencies(IndexOf(set.agencies())),
      calendars(IndexOf(set.calendars())),
      ladders(IndexOf(set.ladders())) {}

bool IsIdentifier(absl::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

void CheckIdentifier(absl::string_view path, absl::string_view value, Report& report) {
  if (!IsIdentifier(value)) {
    report.Add(path, Quote(value), " is not an id: 1 to 64 characters of A-Z a-z 0-9 . _ -");
  }
}

void CheckRequired(absl::string_view path, absl::string_view value, Report& report) {
  if (value.empty()) report.Add(path, "must not be empty");
}

void CheckEmail(absl::string_view path, absl::string_view value, Report& report) {
  if (value.empty()) return;
  const size_t at = value.find('@');
  const bool fine = at != absl::string_view::npos && at > 0 && at + 1 < value.size() && value.size() <= 254 &&
                    value.find('@', at + 1) == absl::string_view::npos &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return c > ' ' && c != ',' && c != ';' && c != '<' && c != '>' && c != 127;
                    });
  if (!fine) report.Add(path, Quote(value), " is not an e-mail address");
}

void CheckLegalLimit(absl::string_view path, bool present, const common::v1::Limit& limit, Report& report) {
  if (!present) {
    report.Add(path, "a limit such as 5wd, 15cd or 4wh is needed");
    return;
  }
  if (const absl::Status status = time::CheckLimit(limit); !status.ok()) report.Add(path, status.message());
}

bool CheckCount(absl::string_view path, int count, int most, Report& report) {
  if (count > most) report.Add(path, "has ", count, " items; at most ", most, " are allowed");
  return count <= most;
}

std::optional<Validity> CheckValidity(absl::string_view item, absl::string_view from, absl::string_view until,
                                      Report& report) {
  Validity validity;
  bool fine = true;
  const auto read = [&](absl::string_view field, absl::string_view text, absl::CivilDay& day) {
    if (text.empty()) return;
    const auto date = time::ParseDate(text);
    if (date.ok()) {
      day = *date;
    } else {
      report.Add(Field(item, field), date.status().message());
      fine = false;
    }
  };
  read("valid_from", from, validity.from);
  read("valid_until", until, validity.until);
  if (!fine) return std::nullopt;
  if (validity.from >= validity.until) {
    report.Add(Field(item, "valid_until"), "must be later than valid_from");
    return std::nullopt;
  }
  return validity;
}

void ValidateTexts(const v1::ReferenceSet& set, Report& report) { CheckTexts("", set, report); }

bool IsAudience(absl::string_view word) {
  return word == "holder" || word == "holder-leader" || word == "receiving-leader" ||
         word == "committee-leader" || word == "applicant";
}

}  // namespace motcua::reference
