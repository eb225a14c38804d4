#include "common/redis/topology.h"

#include <algorithm>
#include <utility>

#include "common/redis/cluster.h"
#include "common/redis/sentinel.h"

namespace motcua::redis {
namespace {

class OneServer final : public Topology {
 public:
  explicit OneServer(Address server) : Topology(Engine::kServer), server_(std::move(server)) {}

  std::optional<Address> WhereTo(const Address&) override { return server_; }

 private:
  void Begin() override { Learn(internal::SlotTable(server_)); }

  const Address server_;
};

}  // namespace

std::shared_ptr<Topology> Topology::Make(async::Loop& loop, Deployment deployment,
                                         std::shared_ptr<PipelineShared> shared) {
  switch (deployment.engine) {
    case Engine::kSentinel:
      return std::make_shared<SentinelTopology>(loop, std::move(deployment), std::move(shared));
    case Engine::kCluster:
      return std::make_shared<ClusterTopology>(loop, std::move(deployment), std::move(shared));
    case Engine::kServer:
      break;
  }
  return std::make_shared<OneServer>(std::move(deployment.addresses.front()));
}

void Topology::Join(Observer& observer) {
  observers_.push_back(&observer);
  if (observers_.size() == 1) {
    Begin();
  } else if (!table_.nodes().empty()) {
    observer.OnTopology();
  }
}

void Topology::Leave(Observer& observer) {
  const auto found = std::find(observers_.begin(), observers_.end(), &observer);
  if (found == observers_.end()) return;
  observers_.erase(found);
  if (observers_.empty()) End();
}

void Topology::Learn(internal::SlotTable table) {
  table_ = std::move(table);
  const std::vector<Observer*> told = observers_;
  for (Observer* observer : told) {
    if (std::find(observers_.begin(), observers_.end(), observer) != observers_.end()) observer->OnTopology();
  }
}

}  // namespace motcua::redis
