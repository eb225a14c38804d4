// Events and steps as bytes: what passes through a publisher is neither parsed nor copied message by message.
//
// A step of a stream (v1::ReadResponse) is put together from pieces that are stored ready to be sent:
//   std::string step;
//   for (...) step += entry.framed;
//   AppendPosition(step, after);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

// An event of a feed, framed as a field `events` of a ReadResponse.
class Entry {
 public:
  Entry() {}

  uint64_t position = 0;
  // Event::BodyCase; 0 = no body.
  uint32_t kind = 0;
  std::string framed;

  std::string_view subject() const { return std::string_view(framed).substr(subject_at, subject_size); }

  uint32_t subject_at = 0;
  uint32_t subject_size = 0;
};

// `event`: a serialised v1::Event. Looks at its top-level fields only. nullopt where these are no fields.
std::optional<Entry> MakeEntry(std::string_view event, uint64_t position);

// Add the other fields of a ReadResponse to `step`.
void AppendWatermark(std::string& step, absl::Time watermark);
void AppendPosition(std::string& step, uint64_t position);
void AppendEpoch(std::string& step, uint64_t epoch);
void AppendEnded(std::string& step, uint64_t epoch, uint64_t position);

// A step as its readers hold it: parsed once, on an arena of its own, and shared by all who still look at its
// events.
class Step {
 public:
  Step() {}

  const v1::ReadResponse& operator*() const { return *response_; }
  const v1::ReadResponse* operator->() const { return response_.get(); }
  // Size on the wire.
  size_t bytes() const { return bytes_; }

  // nullopt where `wire` is no ReadResponse.
  static std::optional<Step> Parse(std::string_view wire);

 private:
  std::shared_ptr<const v1::ReadResponse> response_;
  size_t bytes_ = 0;
};

}  // namespace motcua::feed
