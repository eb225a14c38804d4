// A clock told as events: for services that have missed them.
#ifndef MOTCUA_SERVICES_DEADLINE_MONITOR_DOMAIN_RETELL_H_
#define MOTCUA_SERVICES_DEADLINE_MONITOR_DOMAIN_RETELL_H_

#include <vector>

#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::deadline {

// The date in force, where it is another than was promised, and the end with its account. Not the alerts:
// these are news of their moment. Pure and thread-safe.
std::vector<feed::v1::Event> Retell(const v1::ClockRecord& record);

}  // namespace motcua::deadline

#endif  // MOTCUA_SERVICES_DEADLINE_MONITOR_DOMAIN_RETELL_H_
