// Topology: who takes writes: one server, the primary that Sentinel names, or the nodes of a cluster.
//
// Shared by a client and its siblings. While somebody has joined, it keeps itself up to date: it asks
// Sentinels each second, a node of the cluster every few seconds, and at once when somebody doubts.
//
// Thread-safety: confined to the loop, but for construction.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/async/loop.h"
#include "common/redis/address.h"
#include "common/redis/pipeline.h"
#include "common/redis/slots.h"

namespace motcua::redis {

class Topology {
 public:
  class Observer {
   public:
    // It has been learnt anew: perhaps it is as before.
    virtual void OnTopology() = 0;

   protected:
    ~Observer() = default;
  };

  static std::shared_ptr<Topology> Make(async::Loop& loop, Deployment deployment,
                                        std::shared_ptr<PipelineShared> shared);
  virtual ~Topology() = default;

  // Begins with the first who joins, ends when the last has left.
  void Join(Observer& observer);
  void Leave(Observer& observer);

  Engine engine() const { return engine_; }
  const internal::SlotTable& table() const { return table_; }
  // Where to connect for `node`; nothing: asked for now, and OnTopology is called when it is known.
  virtual std::optional<Address> WhereTo(const Address& node) = 0;
  // What is known may be out of date.
  virtual void Doubt() {}

 protected:
  explicit Topology(Engine engine) : engine_(engine) {}
  virtual void Begin() {}
  virtual void End() {}
  void Learn(internal::SlotTable table);

 private:
  const Engine engine_;
  internal::SlotTable table_;
  std::vector<Observer*> observers_;
};

}  // namespace motcua::redis
