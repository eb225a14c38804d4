// ClusterTopology: which node of a Redis Cluster has which slot, as one of them tells.
//
// One node is asked at a time, by a link of its own. A node that cannot be reached, or says that the cluster
// does not serve (it may be cut off from the others), is passed over for the next one: those of the option,
// then those of the last table.
//
// Thread-safety: confined to the loop, but for construction.
#pragma once

#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <vector>

#include "common/redis/topology.h"

namespace motcua::redis {

class ClusterTopology final : public Topology,
                              public Pipeline::Owner,
                              public std::enable_shared_from_this<ClusterTopology> {
 public:
  ClusterTopology(async::Loop& loop, Deployment deployment, std::shared_ptr<PipelineShared> shared);

  std::optional<Address> WhereTo(const Address& node) override { return node; }
  void Doubt() override;

 private:
  void Begin() override;
  void End() override;
  std::optional<Address> WhereTo(Pipeline& pipeline) override;
  void OnReady(Pipeline& pipeline, bool ready) override;

  void Schedule(absl::Duration pause);
  static async::Task<void> Round(std::shared_ptr<ClusterTopology> self);
  static async::Task<absl::StatusOr<internal::SlotTable>> AskForTable(std::shared_ptr<ClusterTopology> self);

  async::Loop& loop_;
  const Deployment deployment_;
  const std::shared_ptr<PipelineShared> shared_;
  std::shared_ptr<Pipeline> asked_;
  size_t next_node_ = 0;
  async::TimerId timer_;
  bool running_ = false;  // a round is
  absl::Time hurry_until_ = absl::InfinitePast();
  bool ended_ = true;
};

}  // namespace motcua::redis
