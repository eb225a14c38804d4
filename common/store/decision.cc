#include "common/store/decision.h"

#include "common/time/timestamp.h"

namespace motcua::store {

feed::v1::Event NewEvent(const Context& context, std::string_view subject) {
  feed::v1::Event event;
  *event.mutable_at() = time::ToTimestamp(context.now);
  event.set_subject(std::string(subject));
  if (!context.actor.id().empty()) *event.mutable_actor() = context.actor;
  if (!context.traceparent.empty()) event.set_traceparent(context.traceparent);
  return event;
}

}  // namespace motcua::store
