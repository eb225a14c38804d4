#include "common/rpc/validator.h"

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/pattern.h"
#include "motcua/validate/v1/rules.pb.h"

namespace motcua::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using validate::v1::Pattern;
using validate::v1::Rules;

constexpr size_t kDefaultStringBytes = 4000;
constexpr int kDefaultItems = 1000;
constexpr int kMaxDepth = 32;

struct FieldRules {
  const FieldDescriptor* field;
  Rules rules;
};
using MessageRules = std::vector<FieldRules>;

// The rules of each message type, read from its options once. Types are few and live for ever.
const MessageRules& RulesOf(const Descriptor* type) {
  static absl::Mutex mutex;
  static auto* cache = new absl::flat_hash_map<const Descriptor*, std::unique_ptr<const MessageRules>>();
  {
    absl::ReaderMutexLock lock(&mutex);
    if (auto found = cache->find(type); found != cache->end()) return *found->second;
  }
  auto rules = std::make_unique<MessageRules>();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    rules->push_back(FieldRules{field, field->options().GetExtension(validate::v1::rules)});
  }
  absl::MutexLock lock(&mutex);
  return *cache->try_emplace(type, std::move(rules)).first->second;
}

// Characters of valid UTF-8 without control characters; -1 where it is not valid, -2 where a control character is in.
int CountCharacters(const std::string& text) {
  int count = 0;
  for (size_t i = 0; i < text.size(); ++count) {
    auto byte = [&text, i](size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
    };
    auto follows = [&byte](size_t k) { return (byte(k) & 0xC0) == 0x80; };
    unsigned c = byte(0);
    if (c < 0x80) {
      if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) return -2;
      i += 1;
    } else if (c >= 0xC2 && c <= 0xDF && follows(1)) {
      if (c == 0xC2 && byte(1) < 0xA0) return -2;
      i += 2;
    } else if (c >= 0xE0 && c <= 0xEF && follows(1) && follows(2) && !(c == 0xE0 && byte(1) < 0xA0) &&
               !(c == 0xED && byte(1) > 0x9F)) {
      i += 3;
    } else if (c >= 0xF0 && c <= 0xF4 && follows(1) && follows(2) && follows(3) && !(c == 0xF0 && byte(1) < 0x90) &&
               !(c == 0xF4 && byte(1) > 0x8F)) {
      i += 4;
    } else {
      return -1;
    }
  }
  return count;
}

class Walk {
 public:
  explicit Walk(errors::Violations& violations) : violations_(violations) {}

  void Visit(const Message& message, const std::string& path, int depth) {
    const std::string& type = message.GetDescriptor()->full_name();
    if (type == "google.protobuf.Timestamp") return CheckSpan(message, path, -62135596800, 253402300799, 0);
    if (type == "google.protobuf.Duration") {
      return CheckSpan(message, path, -315576000000, 315576000000, -999999999);
    }
    for (const FieldRules& field_rules : RulesOf(message.GetDescriptor())) {
      const FieldDescriptor* field = field_rules.field;
      std::string field_path = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
      if (field->is_repeated()) {
        VisitRepeated(message, field_rules, field_path, depth);
      } else {
        VisitSingle(message, field_rules, field_path, depth);
      }
    }
  }

 private:
  void VisitSingle(const Message& message, const FieldRules& field_rules, const std::string& path, int depth) {
    const FieldDescriptor* field = field_rules.field;
    const Reflection* reflection = message.GetReflection();
    if (field->has_presence() && !reflection->HasField(message, field)) {
      // A member of a oneof that was not chosen is not missing.
      if (field_rules.rules.required() && field->real_containing_oneof() == nullptr) {
        violations_.Add(path, "FIELD_REQUIRED", "must be set");
      }
      return;
    }
    VisitValue(message, field_rules, -1, path, depth);
  }

  void VisitRepeated(const Message& message, const FieldRules& field_rules, const std::string& path, int depth) {
    int size = message.GetReflection()->FieldSize(message, field_rules.field);
    int most = field_rules.rules.max_items() > 0 ? static_cast<int>(field_rules.rules.max_items()) : kDefaultItems;
    if (size == 0 && field_rules.rules.required())
      violations_.Add(path, "FIELD_REQUIRED", "must have at least one item");
    if (size > most) {
      violations_.Add(path, "FIELD_TOO_MANY_ITEMS", absl::StrCat("must have at most ", most, " items"),
                      absl::StrCat("Mục này có tối đa ", most, " dòng."));
      return;
    }
    for (int i = 0; i < size; ++i) VisitValue(message, field_rules, i, absl::StrCat(path, "[", i, "]"), depth);
  }

  // The value of a field, or item `index` of a repeated one.
  void VisitValue(const Message& message, const FieldRules& field_rules, int index, const std::string& path,
                  int depth) {
    const FieldDescriptor* field = field_rules.field;
    const Rules& rules = field_rules.rules;
    const Reflection* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth >= kMaxDepth) return violations_.Add(path, "FIELD_MALFORMED", "is nested too deep");
        return Visit(index < 0 ? reflection->GetMessage(message, field)
                               : reflection->GetRepeatedMessage(message, field, index),
                     path, depth + 1);
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        const std::string& text = index < 0
                                      ? reflection->GetStringReference(message, field, &scratch)
                                      : reflection->GetRepeatedStringReference(message, field, index, &scratch);
        return field->type() == FieldDescriptor::TYPE_BYTES ? CheckBytes(text, rules, path)
                                                            : CheckString(text, rules, path);
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        int number = index < 0 ? reflection->GetEnumValue(message, field)
                               : reflection->GetRepeatedEnumValue(message, field, index);
        if (field->enum_type()->FindValueByNumber(number) == nullptr) {
          violations_.Add(path, "FIELD_UNKNOWN_VALUE", "must be one of the named values");
        } else if (number == 0 && rules.required()) {
          violations_.Add(path, "FIELD_REQUIRED", "must not be UNSPECIFIED");
        }
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        return;
      default:
        return CheckNumber(message, field, index, rules, path);
    }
  }

  void CheckString(const std::string& text, const Rules& rules, const std::string& path) {
    if (text.empty()) {
      if (rules.required()) violations_.Add(path, "FIELD_REQUIRED", "must not be empty");
      return;
    }
    // A huge text is not read to the end only to be refused: a character has at most four bytes.
    size_t most = rules.max_length() > 0 ? rules.max_length() : kDefaultStringBytes;
    bool too_long = text.size() > (rules.max_length() > 0 ? 4 * most : most);
    if (!too_long) {
      int characters = CountCharacters(text);
      if (characters < 0) {
        return violations_.Add(
            path, "FIELD_NOT_TEXT",
            characters == -1 ? "must be valid UTF-8" : "must not contain control characters");
      }
      too_long = rules.max_length() > 0 && static_cast<size_t>(characters) > most;
    }
    if (too_long) {
      return TooLong(path, most, rules.max_length() > 0);
    }
    if (!Matches(rules.pattern(), text))
      violations_.Add(path, "FIELD_MALFORMED", PatternDescription(rules.pattern()));
  }

  void TooLong(const std::string& path, size_t most, bool characters) {
    violations_.Add(path, "FIELD_TOO_LONG",
                    absl::StrCat("must have at most ", most, characters ? " characters" : " bytes"),
                    absl::StrCat("Mục này có tối đa ", most, characters ? " ký tự." : " byte."));
  }

  void CheckBytes(const std::string& bytes, const Rules& rules, const std::string& path) {
    if (bytes.empty() && rules.required()) violations_.Add(path, "FIELD_REQUIRED", "must not be empty");
    if (rules.max_length() > 0 && bytes.size() > rules.max_length()) {
      TooLong(path, rules.max_length(), /*characters=*/false);
    }
  }

  void CheckNumber(const Message& message, const FieldDescriptor* field, int index, const Rules& rules,
                   const std::string& path) {
    const Reflection* r = message.GetReflection();
    // A double holds every bound a rule can sensibly have; 64-bit integers are compared exactly below.
    bool is_zero = false, below = false, above = false;
    auto compare = [&](auto value) {
      using Number = decltype(value);
      is_zero = value == 0;
      if constexpr (std::is_same_v<Number, uint64_t>) {
        below = rules.has_min() && rules.min() > 0 && value < static_cast<uint64_t>(rules.min());
        above = rules.has_max() && (rules.max() < 0 || value > static_cast<uint64_t>(rules.max()));
      } else if constexpr (std::is_floating_point_v<Number>) {
        below = rules.has_min() && !(value >= static_cast<Number>(rules.min()));
        above = rules.has_max() && !(value <= static_cast<Number>(rules.max()));
      } else {
        below = rules.has_min() && static_cast<int64_t>(value) < rules.min();
        above = rules.has_max() && static_cast<int64_t>(value) > rules.max();
      }
    };
    bool one = index < 0;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        compare(one ? r->GetInt32(message, field) : r->GetRepeatedInt32(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        compare(one ? r->GetInt64(message, field) : r->GetRepeatedInt64(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        compare(one ? r->GetUInt32(message, field) : r->GetRepeatedUInt32(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        compare(one ? r->GetUInt64(message, field) : r->GetRepeatedUInt64(message, field, index));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        compare(one ? r->GetFloat(message, field) : r->GetRepeatedFloat(message, field, index));
        break;
      default:
        compare(one ? r->GetDouble(message, field) : r->GetRepeatedDouble(message, field, index));
        break;
    }
    if (is_zero && !field->has_presence() && !field->is_repeated()) {
      if (rules.required()) violations_.Add(path, "FIELD_REQUIRED", "must not be 0");
      return;
    }
    if (below) {
      violations_.Add(path, "FIELD_OUT_OF_RANGE", absl::StrCat("must be at least ", rules.min()),
                      absl::StrCat("Giá trị phải từ ", rules.min(), " trở lên."));
    }
    if (above) {
      violations_.Add(path, "FIELD_OUT_OF_RANGE", absl::StrCat("must be at most ", rules.max()),
                      absl::StrCat("Giá trị không được quá ", rules.max(), "."));
    }
  }

  // Timestamp and Duration have the same two fields.
  void CheckSpan(const Message& message, const std::string& path, int64_t least, int64_t most, int32_t least_nanos) {
    const Reflection* reflection = message.GetReflection();
    int64_t seconds = reflection->GetInt64(message, message.GetDescriptor()->FindFieldByNumber(1));
    int32_t nanos = reflection->GetInt32(message, message.GetDescriptor()->FindFieldByNumber(2));
    if (seconds < least || seconds > most || nanos < least_nanos || nanos > 999999999) {
      violations_.Add(path, "FIELD_OUT_OF_RANGE", "must lie in the range that protobuf gives it");
    }
  }

  errors::Violations& violations_;
};

void RemovePersonalData(Message& message, int depth) {
  const Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->options().GetExtension(validate::v1::sensitive) || depth >= kMaxDepth) {
      reflection->ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        RemovePersonalData(*reflection->MutableMessage(&message, field), depth + 1);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        RemovePersonalData(*reflection->MutableRepeatedMessage(&message, field, i), depth + 1);
      }
    }
  }
}

}  // namespace

void Validate(const Message& message, errors::Violations& violations) { Walk(violations).Visit(message, "", 0); }

absl::Status Validate(const Message& message) {
  errors::Violations violations;
  Validate(message, violations);
  return violations.ToStatus();
}

std::string WithoutPersonalData(const Message& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  RemovePersonalData(*copy, 0);
  return copy->ShortDebugString();
}

}  // namespace motcua::rpc
