#include "common/feed/wire.h"

#include <utility>

#include "common/store/varint.h"
#include "common/time/timestamp.h"
#include "google/protobuf/arena.h"

namespace motcua::feed {

namespace {

using store::AppendVarint;
using store::TakeVarint;

// Of protobuf's wire format.
constexpr uint32_t kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;
constexpr uint32_t kFirstBody = v1::Event::kReferenceApplied;

constexpr char Tag(uint32_t field, uint32_t type) { return static_cast<char>(field << 3 | type); }

// Takes the value of a field; `value` is its bytes where it has a length.
bool TakeValue(std::string_view& in, uint32_t type, std::string_view& value) {
  uint64_t size = 0;
  switch (type) {
    case kVarint:
      return TakeVarint(in, size);
    case kFixed64:
      size = 8;
      break;
    case kFixed32:
      size = 4;
      break;
    case kLength:
      if (!TakeVarint(in, size)) return false;
      break;
    default:
      return false;
  }
  if (size > in.size()) return false;
  value = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace

std::optional<Entry> MakeEntry(std::string_view event, uint64_t position) {
  Entry entry;
  entry.position = position;
  std::string_view subject;
  std::string_view rest = event;
  while (!rest.empty()) {
    uint64_t tag = 0;
    std::string_view value;
    if (!TakeVarint(rest, tag) || !TakeValue(rest, tag & 7, value)) return std::nullopt;
    const uint64_t field = tag >> 3;
    if (field == v1::Event::kSubjectFieldNumber) subject = value;
    if (field >= kFirstBody && field <= UINT32_MAX) entry.kind = static_cast<uint32_t>(field);
  }
  // A field that comes again replaces the one before: the position may simply be added.
  std::string with_position;
  with_position.push_back(Tag(v1::Event::kPositionFieldNumber, kVarint));
  AppendVarint(with_position, position);
  entry.framed.reserve(event.size() + with_position.size() + 6);
  entry.framed.push_back(Tag(v1::ReadResponse::kEventsFieldNumber, kLength));
  AppendVarint(entry.framed, event.size() + with_position.size());
  if (!subject.empty()) {
    entry.subject_at =
        static_cast<uint32_t>(entry.framed.size() + static_cast<size_t>(subject.data() - event.data()));
    entry.subject_size = static_cast<uint32_t>(subject.size());
  }
  entry.framed.append(event).append(with_position);
  return entry;
}

void AppendWatermark(std::string& step, absl::Time watermark) {
  const google::protobuf::Timestamp timestamp = time::ToTimestamp(watermark);
  step.push_back(Tag(v1::ReadResponse::kWatermarkFieldNumber, kLength));
  AppendVarint(step, timestamp.ByteSizeLong());
  timestamp.AppendToString(&step);
}

void AppendPosition(std::string& step, uint64_t position) {
  step.push_back(Tag(v1::ReadResponse::kPositionFieldNumber, kVarint));
  AppendVarint(step, position);
}

void AppendEpoch(std::string& step, uint64_t epoch) {
  step.push_back(Tag(v1::ReadResponse::kEpochFieldNumber, kVarint));
  AppendVarint(step, epoch);
}

void AppendEnded(std::string& step, uint64_t epoch, uint64_t position) {
  v1::EpochEnd ended;
  ended.set_epoch(epoch);
  ended.set_position(position);
  step.push_back(Tag(v1::ReadResponse::kEndedFieldNumber, kLength));
  AppendVarint(step, ended.ByteSizeLong());
  ended.AppendToString(&step);
}

std::optional<Step> Step::Parse(std::string_view wire) {
  auto arena = std::make_shared<google::protobuf::Arena>();
  auto* response = google::protobuf::Arena::CreateMessage<v1::ReadResponse>(arena.get());
  if (!response->ParseFromArray(wire.data(), static_cast<int>(wire.size()))) return std::nullopt;
  Step step;
  step.response_ = std::shared_ptr<const v1::ReadResponse>(std::move(arena), response);
  step.bytes_ = wire.size();
  return step;
}

}  // namespace motcua::feed
