// What every process tells of itself, under the names that Prometheus' own clients use:
// process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_start_time_seconds.
#pragma once

#include <memory>

namespace prometheus {
class Collectable;
}

namespace motcua::telemetry {

// Reads /proc/self whenever it is asked, that is on the thread of the scrape. What cannot be read is left
// out.
std::shared_ptr<prometheus::Collectable> MakeProcessMetrics();

}  // namespace motcua::telemetry
