// The stored form of a shard's latest run of successions.
#pragma once

#include <string_view>

#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"

namespace motcua::routing {

// One record per shard, named by the shard. Nothing lists or counts it.
struct SuccessionModel {
  using Record = internal::routing::SuccessionRecord;
  static constexpr std::string_view kKind = "succ";
  static constexpr bool kRemovable = true;
};

}  // namespace motcua::routing
