// Traces: the W3C trace context that a call brings, and everything it causes carries on: events, the events
// made of them, messages, deliveries, and every log line written on behalf of one of these.
//
// A `traceparent` is `00-<trace id: 32 hex digits>-<span id: 16>-<flags: 2>`. The trace id stays from the
// client to the last message; the span id names one step, here one call of one process.
//
// Pure but for the random numbers of new ids. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace motcua::telemetry {

// The same trace, a new span; a new trace where `traceparent` is not a valid one of version 00.
std::string ContinueTrace(std::string_view traceparent);

// The 32 hex digits of the trace id in a traceparent made by ContinueTrace; empty for one too short to have
// it.
std::string_view TraceId(std::string_view traceparent);

// The trace id of a traceparent as records keep it: 16 bytes; empty where there is none.
std::string PackTrace(std::string_view traceparent);
// Back from what PackTrace made: 32 hex digits, empty for an empty one.
std::string PackedTraceId(std::string_view packed);
// A traceparent with a new span in the packed trace; of a new trace where there is none.
std::string ContinuePackedTrace(std::string_view packed);

}  // namespace motcua::telemetry
