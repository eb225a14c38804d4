// A clock told as events: for services that have missed them.
#pragma once

#include <vector>

#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {

// The date in force, where it is another than was promised, and the end with its account. Not the alerts:
// these are news of their moment. Pure and thread-safe.
std::vector<feed::v1::Event> Retell(const internal::deadline::ClockRecord& record);

}  // namespace motcua::deadline
