#include "common/store/definition.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"

namespace motcua::store {

absl::Status ReadStored(std::string_view stored, const Schema& schema, StoredRecord& parts,
                        google::protobuf::MessageLite& record) {
  if (!DecodeStored(stored, parts)) {
    return errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read");
  }
  if (parts.schema > schema.number) {
    return errors::Unavailable("RECORD_NEWER", "a newer version of the service has written this record");
  }
  if (!record.ParseFromArray(parts.record.data(), static_cast<int>(parts.record.size()))) {
    return errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read");
  }
  if (parts.schema < schema.number && schema.upgrade != nullptr) schema.upgrade(record, parts.schema);
  return absl::OkStatus();
}

bool Definition::IsAdded(std::string_view name) const {
  return std::any_of(added.begin(), added.end(),
                     [name](const std::string& prefix) { return name.substr(0, prefix.size()) == prefix; });
}

std::optional<Phase> Phase::Parse(std::string_view text) {
  const auto take = [&text](uint16_t& number) {
    const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || number == 0) return false;
    text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
    return true;
  };
  uint16_t first = 0, second = 0;
  if (!take(first)) return std::nullopt;
  if (text.empty()) return Phase(first);
  const char step = text[0];
  text.remove_prefix(1);
  if ((step != '>' && step != '=' && step != '-') || !take(second) || !text.empty() || second <= first)
    return std::nullopt;
  return Phase(second, static_cast<Step>(step), first);
}

std::string Phase::ToString() const {
  if (step == Step::kSteady) return absl::StrCat(to);
  std::string text = absl::StrCat(from);
  text.push_back(static_cast<char>(step));
  absl::StrAppend(&text, to);
  return text;
}

uint16_t Phase::ReadBy(uint16_t program) const {
  if (step == Step::kBuilding) return program == to || program == from ? from : uint16_t{0};
  return program == to ? to : uint16_t{0};
}

}  // namespace motcua::store
