#include "common/reference/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/reference/rules.h"
#include "common/reference/violation.h"
#include "common/time/limit.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace motcua::reference {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxTextBytes = 8 << 20;
constexpr int kMaxFields = 1'000'000;  // aliases can blow a small text up

// The words of an enum share its name as a prefix: LEVEL_COMMUNE of Level.
std::string PrefixOf(const EnumDescriptor* type) {
  const std::string& first = type->value(0)->name();
  const size_t end = first.rfind("UNSPECIFIED");
  return end == std::string::npos ? "" : first.substr(0, end);
}

std::string WordOf(const EnumValueDescriptor* value) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(value->name().substr(PrefixOf(value->type()).size())),
                             {{"_", "-"}});
}

// The line on which a second document begins; 0 where there is none. `---` may open the first one.
int LineOfSecondDocument(const std::string& text) {
  int line = 0;
  bool content = false;
  for (absl::string_view rest : absl::StrSplit(text, '\n')) {
    ++line;
    const absl::string_view trimmed = absl::StripAsciiWhitespace(rest);
    const bool marker = rest == "---" || absl::StartsWith(rest, "--- ");
    if (marker && content) return line;
    content |= marker || !(trimmed.empty() || trimmed[0] == '#');
  }
  return 0;
}

class Reader {
 public:
  Reader(const std::string& file, SourceMap& sources, std::vector<SourceViolation>& violations)
      : file_(file), sources_(sources), violations_(violations) {}

  void ReadMessage(const YAML::Node& node, const std::string& path, Message& message) {
    if (!Spend(node, path)) return;
    if (!path.empty()) sources_.Add(path, file_, LineOf(node));
    if (message.GetDescriptor() == common::v1::Limit::descriptor()) {
      ReadLimit(node, path, static_cast<common::v1::Limit&>(message));
      return;
    }
    if (!node.IsMap()) {
      Fault(node, path, "must be a map of fields");
      return;
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(key);
      const std::string field_path = path.empty() ? key : Field(path, key);
      if (field == nullptr || field_path == "version") {
        Fault(entry.first, path.empty() ? "" : path, absl::StrCat("unknown key ", Quote(key)));
      } else if (!seen.insert(key).second) {
        Fault(entry.first, field_path, "the key is given twice");
      } else {
        sources_.Add(field_path, file_, LineOf(entry.first));
        ReadField(entry.second, field_path, field, message);
      }
      if (exhausted_) return;
    }
  }

 private:
  void ReadField(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                 Message& message) {
    const auto* reflection = message.GetReflection();
    if (node.IsNull()) return;  // `parent:` with nothing after it says nothing
    if (!field->is_repeated()) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && reflection->HasField(message, field)) {
        Fault(node, path, "is given in another file already");
        return;
      }
      ReadValue(node, path, field, message);
      return;
    }
    if (!node.IsSequence()) {
      Fault(node, path, "must be a list");
      return;
    }
    for (const auto& item : node) {
      const std::string item_path = Item(path, reflection->FieldSize(message, field));
      ReadValue(item, item_path, field, message);
      if (exhausted_) return;
    }
  }

  // Adds to a repeated field, sets another.
  void ReadValue(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                 Message& message) {
    const auto* reflection = message.GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* child = field->is_repeated() ? reflection->AddMessage(&message, field)
                                            : reflection->MutableMessage(&message, field);
      ReadMessage(node, path, *child);
      return;
    }
    if (!Spend(node, path)) return;
    sources_.Add(path, file_, LineOf(node));
    if (!node.IsScalar()) {
      Fault(node, path, "must be a single value");
      return;
    }
    ReadScalar(node, path, field, message);
  }

  void ReadScalar(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                  Message& message) {
    const auto* reflection = message.GetReflection();
    const std::string& text = node.Scalar();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        field->is_repeated() ? reflection->AddString(&message, field, text)
                             : reflection->SetString(&message, field, text);
        return;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const EnumValueDescriptor* value = FindWord(field->enum_type(), text);
        if (value == nullptr) {
          Fault(node, path,
                absl::StrCat("unknown word ", Quote(text), "; known are ", WordsOf(field->enum_type())));
          return;
        }
        field->is_repeated() ? reflection->AddEnum(&message, field, value)
                             : reflection->SetEnum(&message, field, value);
        return;
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        uint32_t number;
        if (!IsNumber(text) || !absl::SimpleAtoi(text, &number)) break;
        reflection->SetUInt32(&message, field, number);
        return;
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        uint64_t number;
        if (!IsNumber(text) || !absl::SimpleAtoi(text, &number)) break;
        reflection->SetUInt64(&message, field, number);
        return;
      }
      default:
        break;
    }
    Fault(node, path, absl::StrCat(Quote(text), " is not a number of 0 or more"));
  }

  void ReadLimit(const YAML::Node& node, const std::string& path, common::v1::Limit& limit) {
    if (!node.IsScalar()) {
      Fault(node, path, "must be a limit such as 5wd, 15cd or 4wh");
      return;
    }
    const auto parsed = time::ParseLimit(node.Scalar());
    if (parsed.ok()) {
      limit = *parsed;
      return;
    }
    Fault(node, path, std::string(parsed.status().message()));
  }

  static bool IsNumber(const std::string& text) {
    return !text.empty() && text.size() <= 20 && absl::ascii_isdigit(static_cast<unsigned char>(text[0]));
  }

  static const EnumValueDescriptor* FindWord(const EnumDescriptor* type, const std::string& text) {
    const std::string word = absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}});
    const EnumValueDescriptor* value = type->FindValueByName(absl::StrCat(PrefixOf(type), word));
    if (value == nullptr) value = type->FindValueByName(word);
    return value == nullptr || value->number() == 0 ? nullptr : value;
  }

  static std::string WordsOf(const EnumDescriptor* type) {
    std::string words;
    for (int i = 1; i < type->value_count(); ++i) {
      absl::StrAppend(&words, i > 1 ? ", " : "", WordOf(type->value(i)));
    }
    return words;
  }

  static int LineOf(const YAML::Node& node) { return node.Mark().is_null() ? 0 : node.Mark().line + 1; }

  bool Spend(const YAML::Node& node, const std::string& path) {
    if (exhausted_) return false;
    if (++fields_ <= kMaxFields) return true;
    exhausted_ = true;
    Fault(node, path, absl::StrCat("the text has more than ", kMaxFields, " fields"));
    return false;
  }

  void Fault(const YAML::Node& node, const std::string& path, std::string description) {
    if (violations_.size() < kMaxViolations)
      violations_.push_back({file_, LineOf(node), path, std::move(description)});
  }

  const std::string& file_;
  SourceMap& sources_;
  std::vector<SourceViolation>& violations_;
  int fields_ = 0;
  bool exhausted_ = false;
};

}  // namespace

std::string SourceViolation::ToString() const {
  std::string text = file;
  if (line > 0) absl::StrAppend(&text, ":", line);
  if (!text.empty()) absl::StrAppend(&text, ": ");
  if (!path.empty()) absl::StrAppend(&text, path, ": ");
  return absl::StrCat(text, description);
}

void SourceMap::Add(const std::string& path, const std::string& file, int line) {
  if (files_.empty() || files_.back() != file) files_.push_back(file);
  places_.try_emplace(path, static_cast<int>(files_.size()) - 1, line);
}

SourceMap::Place SourceMap::Find(absl::string_view path) const {
  while (!path.empty()) {
    if (const auto found = places_.find(path); found != places_.end()) {
      return Place{files_[found->second.first], found->second.second};
    }
    const size_t cut = path.find_last_of(".[");
    path = cut == absl::string_view::npos ? absl::string_view() : path.substr(0, cut);
  }
  return Place();
}

void ReadYaml(const std::string& file, const std::string& text, v1::ReferenceSet& set, SourceMap& sources,
              std::vector<SourceViolation>& violations) {
  if (text.size() > kMaxTextBytes) {
    violations.push_back({file, 0, "", absl::StrCat("the text is larger than ", kMaxTextBytes, " bytes")});
    return;
  }
  if (const int line = LineOfSecondDocument(text); line > 0) {
    violations.push_back({file, line, "", "a second document begins here; a file holds one"});
    return;
  }
  // yaml-cpp reports by exceptions, some of them std::exception only.
  try {
    // Not LoadAll: yaml-cpp 0.7 runs round in circles there on some malformed texts.
    const YAML::Node document = YAML::Load(text);
    if (!document.IsNull()) Reader(file, sources, violations).ReadMessage(document, "", set);
  } catch (const YAML::Exception& error) {
    violations.push_back(
        {file, error.mark.is_null() ? 0 : error.mark.line + 1, "", absl::StrCat("not YAML: ", error.msg)});
  } catch (const std::exception& error) {
    violations.push_back({file, 0, "", absl::StrCat("not YAML: ", error.what())});
  }
}

}  // namespace motcua::reference
