// The stored form of a shard's latest run of successions.
#ifndef MOTCUA_SERVICES_ROUTING_SUCCESSION_MODEL_H_
#define MOTCUA_SERVICES_ROUTING_SUCCESSION_MODEL_H_

#include <string_view>

#include "motcua/routing/v1/route.pb.h"

namespace motcua::routing {

// One record per shard, named by the shard. Nothing lists or counts it.
struct SuccessionModel {
  using Record = v1::SuccessionRecord;
  static constexpr std::string_view kKind = "succ";
  static constexpr bool kRemovable = true;
};

}  // namespace motcua::routing

#endif  // MOTCUA_SERVICES_ROUTING_SUCCESSION_MODEL_H_
