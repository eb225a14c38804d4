// Router: the state behind a Client: a pipeline per node, and which key goes to which.
//
// Thread-safety: confined to the loop, but for construction, connected() and shared().
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/redis/client.h"
#include "common/redis/pipeline.h"
#include "common/redis/replicas.h"
#include "common/redis/topology.h"

namespace motcua::redis {

class Router final : public std::enable_shared_from_this<Router>,
                     private Topology::Observer,
                     public Pipeline::Owner {
 public:
  struct Node {
    // Of a cluster's node; one server may be elsewhere at each connection.
    Address address;
    std::shared_ptr<Pipeline> commands;
    // Null where no replicas are waited for.
    std::shared_ptr<Confirmations> confirmations;
    // The topology still has it.
    bool listed = true;

    bool connected() const {
      return commands->connected() && (confirmations == nullptr || confirmations->link()->connected());
    }
  };

  Router(async::Loop& loop, Options options);
  // Of a sibling: connects to the nodes alone that are used.
  Router(const Router& like, std::shared_ptr<PipelineShared> shared);

  std::shared_ptr<Router> MakeSibling() const;

  void Start();
  void Shutdown();

  // Null: nobody is known for it. Keys that are none go anywhere.
  Node* NodeOf(std::optional<std::string_view> key);
  // Who was named in a redirection; null where there is no connection to it yet.
  Node* NodeAt(const Address& address);
  // Until the table is read again.
  void Moved(uint16_t slot, Node* node) { by_slot_[slot] = node; }
  // The one server's pipeline where this is no cluster.
  Pipeline& one() { return *nodes_.front()->commands; }
  void Doubt() { topology_->Doubt(); }
  bool clustered() const { return clustered_; }
  bool confirms() const { return shared_->options.min_replicas > 0; }

  void AddObserver(absl::AnyInvocable<void(bool)> observer);

  async::Loop& loop() { return loop_; }
  async::Event& ready() { return ready_; }
  PipelineShared& shared() { return *shared_; }
  bool connected() const { return connected_.load(std::memory_order_acquire); }

 private:
  void OnTopology() override;
  std::optional<Address> WhereTo(Pipeline& pipeline) override;
  void OnReady(Pipeline& pipeline, bool ready) override;
  void OnFailure(Pipeline& pipeline) override;

  Node* AddNode(Address address);
  Node* Find(const Address& address);
  void ReadTable();
  // Of connected(); true where it has changed, and observers are told.
  bool Recount();
  void Tell();

  async::Loop& loop_;
  const absl::StatusOr<Deployment> deployment_;
  const std::shared_ptr<PipelineShared> shared_;
  const std::shared_ptr<Topology> topology_;
  const std::string user_;
  const bool clustered_;
  const bool sibling_ = false;
  std::vector<std::unique_ptr<Node>> nodes_;
  // Of a cluster; null: nobody, or not used yet.
  std::vector<Node*> by_slot_;
  async::Event ready_;
  std::vector<absl::AnyInvocable<void(bool)>> observers_;
  bool shut_down_ = false;
  std::atomic<bool> connected_{false};
};

}  // namespace motcua::redis
