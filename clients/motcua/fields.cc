#include "clients/motcua/fields.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/time/iso.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "motcua/intake/v1/dossier.pb.h"

namespace motcua::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Messages that one word stands for.
bool IsOneWord(const Descriptor* type) {
  return type == google::protobuf::Timestamp::descriptor() || type == common::v1::Limit::descriptor() ||
         type == intake::v1::Component::descriptor();
}

void Collect(const Descriptor* type, const std::string& prefix, std::vector<FlagField>& flags) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const bool nested = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (nested && !IsOneWord(field->message_type())) {
      // Reference data come from files, not from flags.
      if (!field->is_repeated() && field->name() != "set")
        Collect(field->message_type(), prefix + field->name() + ".", flags);
      continue;
    }
    FlagField flag;
    flag.path = prefix + field->name();
    flag.flag = "--" + absl::StrReplaceAll(field->name(), {{"_", "-"}});
    flag.repeated = field->is_repeated();
    flag.boolean = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    flags.push_back(std::move(flag));
  }
}

absl::Status SetEnum(Message& message, const FieldDescriptor* field, const std::string& text) {
  const std::string wanted = absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}});
  std::vector<std::string> known;
  // The values begin with the name of the type: DUE_CHANGE_KIND_AGREED.
  const std::string& first = field->enum_type()->value(0)->name();
  const std::string prefix = first.substr(0, first.size() - std::string("UNSPECIFIED").size());
  for (int i = 1; i < field->enum_type()->value_count(); ++i) {
    const EnumValueDescriptor* value = field->enum_type()->value(i);
    const std::string word = value->name().substr(prefix.size());
    if (word == wanted || value->name() == wanted || absl::StrCat(value->number()) == wanted) {
      if (field->is_repeated()) {
        message.GetReflection()->AddEnum(&message, field, value);
      } else {
        message.GetReflection()->SetEnum(&message, field, value);
      }
      return absl::OkStatus();
    }
    known.push_back(absl::AsciiStrToLower(absl::StrReplaceAll(word, {{"_", "-"}})));
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is none of ", absl::StrJoin(known, ", ")));
}

absl::Status SetComponent(intake::v1::Component& component, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 2));
  component.set_name(parts[0]);
  uint32_t count = 1;
  if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a paper as name, name:count or name:count:form"));
  }
  component.set_count(count);
  if (parts.size() > 2) component.set_form(parts[2]);
  return absl::OkStatus();
}

absl::Status SetOneWord(Message& message, const FieldDescriptor* field, const std::string& text,
                        const std::function<absl::TimeZone()>& zone) {
  const auto* reflection = message.GetReflection();
  Message& nested = field->is_repeated() ? *reflection->AddMessage(&message, field)
                                         : *reflection->MutableMessage(&message, field);
  if (auto* component = dynamic_cast<intake::v1::Component*>(&nested)) return SetComponent(*component, text);
  if (auto* limit = dynamic_cast<common::v1::Limit*>(&nested)) {
    auto parsed = time::ParseLimit(text);
    if (!parsed.ok()) return parsed.status();
    *limit = *std::move(parsed);
    return absl::OkStatus();
  }
  auto parsed = ParseTime(text, zone);
  if (!parsed.ok()) return parsed.status();
  *static_cast<google::protobuf::Timestamp*>(&nested) = time::ToTimestamp(*parsed);
  return absl::OkStatus();
}

}  // namespace

std::vector<FlagField> FlagsOf(const Descriptor* request) {
  std::vector<FlagField> flags;
  Collect(request, "", flags);
  return flags;
}

absl::StatusOr<absl::Time> ParseTime(const std::string& text, const std::function<absl::TimeZone()>& zone) {
  absl::Time time;
  std::string problem;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &problem)) return time;
  absl::StatusOr<absl::CivilSecond> local = time::ParseLocalTime(text);
  if (!local.ok()) return local.status();
  return absl::FromCivil(*local, zone());
}

absl::Status SetField(Message& message, std::string_view path, const std::string& text,
                      const std::function<absl::TimeZone()>& zone) {
  const size_t dot = path.find('.');
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr) return absl::InvalidArgumentError(absl::StrCat("no field ", std::string(path)));
  const auto* reflection = message.GetReflection();
  if (dot != std::string_view::npos) {
    return SetField(*reflection->MutableMessage(&message, field), path.substr(dot + 1), text, zone);
  }
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      repeated ? reflection->AddString(&message, field, text) : reflection->SetString(&message, field, text);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection->SetBool(&message, field, text != "false");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t number = 0;
      const bool narrow = field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
      if (!absl::SimpleAtoi(text, &number) || (narrow && number > UINT32_MAX)) {
        return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a whole number"));
      }
      narrow ? reflection->SetUInt32(&message, field, static_cast<uint32_t>(number))
             : reflection->SetUInt64(&message, field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetOneWord(message, field, text, zone);
    default:
      return absl::InvalidArgumentError(absl::StrCat("the field ", field->name(), " cannot be given"));
  }
}

}  // namespace motcua::client
