// SentinelTopology: the primary that Sentinel names.
//
// All Sentinels that can be reached are asked in each round, and the one that knows of the latest promotion
// is believed: one that is cut off together with an old primary does not lead back to it. Who reconnects is
// told what a round said that began after its connection was lost.
//
// Thread-safety: confined to the loop, but for construction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/redis/topology.h"

namespace motcua::redis {

namespace internal {

// What a Sentinel says.
struct NamedPrimary {
  Address address;
  int64_t epoch = 0;  // of the configuration: grows with each promotion
};

// From the answers to SENTINEL GET-MASTER-ADDR-BY-NAME and SENTINEL MASTER; nothing where it knows no such
// primary.
std::optional<NamedPrimary> ParseNamedPrimary(const Reply& address, const Reply& details);

}  // namespace internal

class SentinelTopology final : public Topology,
                               public Pipeline::Owner,
                               public std::enable_shared_from_this<SentinelTopology> {
 public:
  SentinelTopology(async::Loop& loop, Deployment deployment, std::shared_ptr<PipelineShared> shared);

  std::optional<Address> WhereTo(const Address& node) override;
  void Doubt() override;

 private:
  void Begin() override;
  void End() override;
  std::optional<Address> WhereTo(Pipeline& pipeline) override;
  void OnReady(Pipeline& pipeline, bool ready) override;

  void Schedule(absl::Duration pause);
  void StartRound();
  static async::Task<void> Round(std::shared_ptr<SentinelTopology> self);
  static async::Task<void> AskOne(std::shared_ptr<SentinelTopology> self, std::shared_ptr<Pipeline> sentinel,
                                  std::optional<internal::NamedPrimary>* newest);

  async::Loop& loop_;
  const Deployment deployment_;
  const std::shared_ptr<PipelineShared> shared_;
  std::vector<std::shared_ptr<Pipeline>> sentinels_;
  async::TimerId timer_;
  bool running_ = false;  // a round is
  bool again_ = false;    // somebody has asked since it began
  bool wanted_ = false;   // somebody waits for an answer
  // Less than half of the Sentinels are not believed before.
  absl::Time minority_from_ = absl::InfinitePast();
  bool ended_ = true;
};

}  // namespace motcua::redis
