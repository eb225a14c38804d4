#include "clients/motcua/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/errors.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "motcua/common/v1/types.pb.h"

namespace motcua::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string FormatSpan(uint64_t micros) {
  const absl::Duration span = absl::Seconds(static_cast<int64_t>(micros / 1000000));
  const int64_t hours = absl::ToInt64Hours(span);
  return absl::StrCat(hours / 24, "d ", hours % 24, "h ", absl::ToInt64Minutes(span) % 60, "m");
}

// Messages that are one value to people; false for others.
bool Simple(const Message& message, const View& view, std::string& text) {
  if (const auto* timestamp = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    text = FormatLocal(time::FromTimestamp(*timestamp), view.zone);
  } else if (const auto* limit = dynamic_cast<const common::v1::Limit*>(&message)) {
    text = time::FormatLimit(*limit);
  } else if (const auto* due = dynamic_cast<const common::v1::DueDate*>(&message)) {
    text = due->has_appointment() ? FormatLocal(time::FromTimestamp(due->appointment()), view.zone)
                                  : due->date();
  } else if (const auto* actor = dynamic_cast<const common::v1::Actor*>(&message)) {
    text = actor->id();
  } else {
    return false;
  }
  return true;
}

// `index` -1 = not repeated.
std::string ScalarText(const Message& message, const FieldDescriptor* field, int index, const View& view) {
  const auto* r = message.GetReflection();
  const bool single = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return single ? r->GetString(message, field) : r->GetRepeatedString(message, field, index);
    case FieldDescriptor::CPPTYPE_BOOL:
      return (single ? r->GetBool(message, field) : r->GetRepeatedBool(message, field, index))
                 ? (view.english ? "yes" : "có")
                 : (view.english ? "no" : "không");
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t value =
          single ? r->GetUInt64(message, field) : r->GetRepeatedUInt64(message, field, index);
      const bool span = absl::EndsWith(field->name(), "micros");
      return span ? FormatSpan(value) : absl::StrCat(value);
    }
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(single ? r->GetUInt32(message, field)
                                 : r->GetRepeatedUInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(single ? r->GetInt64(message, field) : r->GetRepeatedInt64(message, field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Label((single ? r->GetEnum(message, field) : r->GetRepeatedEnum(message, field, index))->name(),
                   view.english);
    default:
      return "";
  }
}

const Message& Nested(const Message& message, const FieldDescriptor* field, int index) {
  const auto* r = message.GetReflection();
  return index < 0 ? r->GetMessage(message, field) : r->GetRepeatedMessage(message, field, index);
}

// The items of a repeated field as they are; those of a map by their keys.
std::vector<int> OrderOf(const Message& message, const FieldDescriptor* field, const View& view) {
  std::vector<int> order(static_cast<size_t>(message.GetReflection()->FieldSize(message, field)));
  std::iota(order.begin(), order.end(), 0);
  if (!field->is_map()) return order;
  const FieldDescriptor* key = field->message_type()->FindFieldByNumber(1);
  std::vector<std::string> keys;
  for (int i : order) keys.push_back(ScalarText(Nested(message, field, i), key, -1, view));
  std::sort(order.begin(), order.end(), [&keys](int a, int b) { return keys[a] < keys[b]; });
  return order;
}

void Print(const Message& message, const View& view, int indent, std::ostream& out);

void PrintField(const Message& message, const FieldDescriptor* field, int index, const View& view, int indent,
                std::ostream& out) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  const std::string label = Label(field->name(), view.english);
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    out << margin << label << ": " << ScalarText(message, field, index, view) << "\n";
    return;
  }
  const Message& nested = Nested(message, field, index);
  if (field->is_map()) {
    const FieldDescriptor* key = nested.GetDescriptor()->FindFieldByNumber(1);
    const FieldDescriptor* value = nested.GetDescriptor()->FindFieldByNumber(2);
    out << margin << label << " " << ScalarText(nested, key, -1, view) << ":";
    if (value->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      out << " " << ScalarText(nested, value, -1, view) << "\n";
    } else {
      out << "\n";
      Print(Nested(nested, value, -1), view, indent + 2, out);
    }
    return;
  }
  std::string text;
  if (Simple(nested, view, text)) {
    out << margin << label << ": " << text << "\n";
    return;
  }
  out << margin << label << ":\n";
  Print(nested, view, indent + 2, out);
}

void Print(const Message& message, const View& view, int indent, std::ostream& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      PrintField(message, field, -1, view, indent, out);
      continue;
    }
    for (int i : OrderOf(message, field, view)) PrintField(message, field, i, view, indent, out);
  }
}

std::string Hint(const absl::Status& status, bool english) {
  if (absl::IsUnauthenticated(status)) {
    return english ? "set MOTCUA_TOKEN, or MOTCUA_SIGNING_KEY for development"
                   : "đặt MOTCUA_TOKEN, hoặc MOTCUA_SIGNING_KEY khi phát triển";
  }
  if (absl::IsPermissionDenied(status)) {
    return english ? "act as an officer who may: --as officer-id@agency:role"
                   : "dùng cán bộ có quyền: --as mã-cán-bộ@cơ-quan:vai-trò";
  }
  if (absl::IsUnavailable(status)) {
    return english ? "is the service running? `motcua status` tells"
                   : "dịch vụ có đang chạy không? xem `motcua status`";
  }
  return "";
}

}  // namespace

std::string Json(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages with Any or malformed well-known types, which the contract has none of.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

std::string FormatLocal(absl::Time time, const absl::TimeZone& zone) {
  const bool whole_minute = absl::ToUnixNanos(time) % 60'000'000'000 == 0;
  return absl::FormatTime(whole_minute ? "%Y-%m-%d %H:%M" : "%Y-%m-%d %H:%M:%E*S", time, zone);
}

std::string Value(const Message& message, std::string_view path, const View& view) {
  const size_t dot = path.find('.');
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr) return "";
  if (field->is_repeated()) {
    std::vector<std::string> parts;
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      std::string part;
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        part = ScalarText(message, field, i, view);
      } else if (dot != std::string_view::npos) {
        part = Value(Nested(message, field, i), path.substr(dot + 1), view);
      } else {
        Simple(Nested(message, field, i), view, part);
      }
      parts.push_back(std::move(part));
    }
    return absl::StrJoin(parts, ", ");
  }
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return ScalarText(message, field, -1, view);
  if (!message.GetReflection()->HasField(message, field)) return "";
  const Message& nested = Nested(message, field, -1);
  if (dot != std::string_view::npos) return Value(nested, path.substr(dot + 1), view);
  std::string text;
  Simple(nested, view, text);
  return text;
}

void PrintMessage(const Message& message, const View& view, std::ostream& out) {
  Print(message, view, 0, out);
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void Table::Print(std::ostream& out) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    if (row.size() > widths.size()) widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < rows_[r].size(); ++i) {
      line += rows_[r][i];
      if (i + 1 < rows_[r].size()) line.append(widths[i] - Width(rows_[r][i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
    if (r > 0) continue;
    size_t total = 0;
    for (size_t width : widths) total += width + 2;
    out << std::string(total > 2 ? total - 2 : 0, '-') << "\n";
  }
}

void PrintError(const absl::Status& status, const View& view, bool json, std::string_view trace,
                std::ostream& out) {
  if (json) {
    // google.rpc.Status would need the descriptors of its details; the parts are enough for a program.
    std::string fields;
    const auto quoted = [](const std::string& text) {
      std::string result = "\"";
      for (char c : text) {
        if (c == '"' || c == '\\') result.push_back('\\');
        if (static_cast<unsigned char>(c) < 0x20) {
          absl::StrAppend(&result, "\\u00", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
        } else {
          result.push_back(c);
        }
      }
      return result + "\"";
    };
    for (const errors::FieldViolation& violation : errors::FieldViolations(status)) {
      absl::StrAppend(&fields, fields.empty() ? "" : ",", "{\"field\":", quoted(violation.field),
                      ",\"reason\":", quoted(violation.reason),
                      ",\"description\":", quoted(violation.description), "}");
    }
    out << "{\"error\":{\"code\":" << quoted(absl::StatusCodeToString(status.code()))
        << ",\"reason\":" << quoted(errors::Reason(status))
        << ",\"message\":" << quoted(std::string(status.message())) << ",\"violations\":[" << fields << "]";
    if (!trace.empty()) out << ",\"trace\":\"" << trace << "\"";
    out << "}}\n";
    return;
  }
  std::string text(status.message());
  if (!view.english) {
    const std::string vi = errors::VietnameseMessage(status);
    if (!vi.empty()) text = vi;
  }
  // The address, where the text does not name it already.
  const std::string address = errors::MetadataValue(status, "address");
  if (!address.empty() && text.find(address) == std::string::npos) {
    absl::StrAppend(&text, " (", errors::MetadataValue(status, "service"), ", ", address, ")");
  }
  out << (view.english ? "error: " : "lỗi: ") << text;
  const std::string reason = errors::Reason(status);
  if (!reason.empty()) out << " [" << reason << "]";
  out << "\n";
  for (const errors::FieldViolation& violation : errors::FieldViolations(status)) {
    const bool says_more = view.english || violation.text_vi.empty();
    out << "  " << violation.field << ": " << (says_more ? violation.description : violation.text_vi) << "\n";
  }
  const std::string hint = Hint(status, view.english);
  if (!hint.empty()) out << (view.english ? "hint: " : "gợi ý: ") << hint << "\n";
  if (!trace.empty()) out << Label("trace", view.english) << ": " << trace << "\n";
}

}  // namespace motcua::client
