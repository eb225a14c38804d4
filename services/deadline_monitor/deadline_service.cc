#include "services/deadline_monitor/deadline_service.h"

#include "common/service/serve.h"

namespace motcua::deadline {

void AddDeadlineService(rpc::Host& host, Monitor& monitor) {
  service::Serve(host, monitor, &Monitor::GetClock);
  service::Serve(host, monitor, &Monitor::ListClocks);
  service::Serve(host, monitor, &Monitor::ChangeDue);
  service::Serve(host, monitor, &Monitor::GetHistory);
  service::Serve(host, monitor, &Monitor::GetStatistics);
}

}  // namespace motcua::deadline
