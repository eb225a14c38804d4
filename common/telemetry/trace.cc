#include "common/telemetry/trace.h"

#include <cstdint>
#include <random>

#include "absl/strings/escaping.h"

namespace motcua::telemetry {
namespace {

constexpr size_t kPackedSize = 16;

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool IsZeros(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

bool IsTraceparent(std::string_view text) {
  return text.size() == 55 && text.substr(0, 3) == "00-" && text[35] == '-' && text[52] == '-' &&
         IsHex(text.substr(3, 32)) && IsHex(text.substr(36, 16)) && IsHex(text.substr(53, 2)) &&
         !IsZeros(text.substr(3, 32)) && !IsZeros(text.substr(36, 16));
}

uint64_t RandomNumber() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  uint64_t number = generator();
  return number != 0 ? number : 1;
}

void AppendHex(uint64_t number, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(number >> shift) & 15];
}

// `trace_id` empty = a new one.
std::string NewSpan(std::string_view trace_id, std::string_view flags) {
  std::string traceparent;
  traceparent.reserve(55);
  traceparent += "00-";
  if (trace_id.empty()) {
    AppendHex(RandomNumber(), traceparent);
    AppendHex(RandomNumber(), traceparent);
  } else {
    traceparent += trace_id;
  }
  traceparent += '-';
  AppendHex(RandomNumber(), traceparent);
  traceparent += '-';
  traceparent += flags;
  return traceparent;
}

}  // namespace

std::string ContinueTrace(std::string_view traceparent) {
  if (!IsTraceparent(traceparent)) return NewSpan({}, "01");
  return NewSpan(TraceId(traceparent), traceparent.substr(53, 2));
}

std::string_view TraceId(std::string_view traceparent) {
  return traceparent.size() >= 35 ? traceparent.substr(3, 32) : std::string_view();
}

std::string PackTrace(std::string_view traceparent) {
  if (!IsTraceparent(traceparent)) return std::string();
  const std::string_view id = TraceId(traceparent);
  return absl::HexStringToBytes(absl::string_view(id.data(), id.size()));
}

std::string PackedTraceId(std::string_view packed) {
  if (packed.size() != kPackedSize) return std::string();
  return absl::BytesToHexString(absl::string_view(packed.data(), packed.size()));
}

std::string ContinuePackedTrace(std::string_view packed) { return NewSpan(PackedTraceId(packed), "01"); }

}  // namespace motcua::telemetry
