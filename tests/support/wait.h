// WaitUntil: what tests use instead of sleeping for a guessed time.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace motcua::test {

// Polls `condition` every few milliseconds; true as soon as it holds, false if it does not within `timeout`.
inline bool WaitUntil(absl::FunctionRef<bool()> condition, absl::Duration timeout = absl::Seconds(10)) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() >= deadline) return condition();
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

}  // namespace motcua::test
