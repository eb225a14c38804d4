#include "common/redis/router.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/redis/errors.h"

namespace motcua::redis {
namespace {

std::shared_ptr<Topology> MakeTopology(async::Loop& loop, const absl::StatusOr<Deployment>& deployment,
                                       const std::shared_ptr<PipelineShared>& shared) {
  return deployment.ok() ? Topology::Make(loop, *deployment, shared) : nullptr;
}

std::string UserOf(const Options& options, const absl::StatusOr<Deployment>& deployment) {
  return options.user.empty() && deployment.ok() ? deployment->user : options.user;
}

}  // namespace

Router::Router(async::Loop& loop, Options options)
    : loop_(loop),
      deployment_(ParseDeployment(options.address)),
      shared_(std::make_shared<PipelineShared>(std::move(options))),
      topology_(MakeTopology(loop_, deployment_, shared_)),
      user_(UserOf(shared_->options, deployment_)),
      clustered_(deployment_.ok() && deployment_->engine == Engine::kCluster),
      ready_(loop) {
  if (!clustered_) AddNode(Address());
}

Router::Router(const Router& like, std::shared_ptr<PipelineShared> shared)
    : loop_(like.loop_),
      deployment_(like.deployment_),
      shared_(std::move(shared)),
      topology_(like.topology_),
      user_(like.user_),
      clustered_(like.clustered_),
      sibling_(true),
      ready_(loop_) {
  if (!clustered_) AddNode(Address());
}

std::shared_ptr<Router> Router::MakeSibling() const { return std::make_shared<Router>(*this, shared_); }

void Router::Start() {
  assert(loop_.InLoop());
  if (shut_down_) return;
  if (topology_ == nullptr) {
    shared_->SetLastError(internal::Unavailable("the store's address is not valid"));
    return;
  }
  topology_->Join(*this);
  if (clustered_) return;
  one().Start();
  if (nodes_.front()->confirmations != nullptr) nodes_.front()->confirmations->link()->Start();
}

void Router::Shutdown() {
  assert(loop_.InLoop());
  shut_down_ = true;
  if (topology_ != nullptr) topology_->Leave(*this);
  for (const std::unique_ptr<Node>& node : nodes_) {
    node->commands->Shutdown();
    if (node->confirmations != nullptr) node->confirmations->link()->Shutdown();
  }
  ready_.Abort(internal::Unavailable("the client of the store is closed"));
  observers_.clear();
}

Router::Node* Router::AddNode(Address address) {
  Node* node = nodes_.emplace_back(std::make_unique<Node>()).get();
  node->address = std::move(address);
  node->commands = std::make_shared<Pipeline>(loop_, Pipeline::Kind::kPrimary, shared_, user_, *this);
  if (confirms() && !sibling_) {
    node->confirmations = std::make_shared<Confirmations>(
        std::make_shared<Pipeline>(loop_, Pipeline::Kind::kConfirm, shared_, user_, *this), shared_);
  }
  return node;
}

Router::Node* Router::Find(const Address& address) {
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (node->address == address) return node.get();
  }
  return nullptr;
}

Router::Node* Router::NodeOf(std::optional<std::string_view> key) {
  if (!clustered_) return nodes_.front().get();
  const uint16_t slot = key.has_value() ? internal::SlotOf(*key) : 0;
  if (by_slot_.empty()) return nullptr;
  if (by_slot_[slot] != nullptr || !sibling_) return by_slot_[slot];
  const internal::SlotTable& table = topology_->table();
  const uint16_t owner = table.OwnerOf(slot);
  if (owner == internal::SlotTable::kNobody) return nullptr;
  Node* node = Find(table.nodes()[owner]);
  if (node == nullptr) {
    node = AddNode(table.nodes()[owner]);
    node->commands->Start();
    Recount();
  }
  by_slot_[slot] = node;
  return node;
}

Router::Node* Router::NodeAt(const Address& address) {
  Node* node = Find(address);
  return node != nullptr && node->listed && node->commands->connected() ? node : nullptr;
}

void Router::OnTopology() {
  if (shut_down_) return;
  if (clustered_) {
    ReadTable();
  } else {
    const Address& server = topology_->table().nodes().front();
    one().ConnectTo(server);
    if (nodes_.front()->confirmations != nullptr) nodes_.front()->confirmations->link()->ConnectTo(server);
  }
  Recount();
}

void Router::ReadTable() {
  const internal::SlotTable& table = topology_->table();
  for (const std::unique_ptr<Node>& node : nodes_) {
    node->listed =
        std::find(table.nodes().begin(), table.nodes().end(), node->address) != table.nodes().end();
  }
  std::vector<Node*> owners;
  bool has_new = false;
  for (const Address& address : table.nodes()) {
    Node* node = Find(address);
    if (node == nullptr && !sibling_) {
      has_new = true;
      node = AddNode(address);
      node->commands->Start();
      if (node->confirmations != nullptr) node->confirmations->link()->Start();
    }
    owners.push_back(node);
  }
  by_slot_.assign(internal::kSlots, nullptr);
  for (uint16_t slot = 0; slot < internal::kSlots; ++slot) {
    const uint16_t owner = table.OwnerOf(slot);
    if (owner != internal::SlotTable::kNobody) by_slot_[slot] = owners[owner];
  }
  // Now, while nothing can be sent to it: what is remembered of its keys may be of an older state.
  if (has_new) Tell();
  // A node that has lost its slots answers what was sent before.
  for (size_t i = 0; i < nodes_.size();) {
    Node& node = *nodes_[i];
    const bool idle =
        node.commands->idle() && (node.confirmations == nullptr || node.confirmations->link()->idle());
    if (node.listed || !idle) {
      ++i;
      continue;
    }
    const std::unique_ptr<Node> gone = std::move(nodes_[i]);
    nodes_.erase(nodes_.begin() + static_cast<ptrdiff_t>(i));
    gone->commands->Shutdown();
    if (gone->confirmations != nullptr) gone->confirmations->link()->Shutdown();
  }
}

std::optional<Address> Router::WhereTo(Pipeline& pipeline) {
  for (const std::unique_ptr<Node>& node : nodes_) {
    const bool its = node->commands.get() == &pipeline ||
                     (node->confirmations != nullptr && node->confirmations->link().get() == &pipeline);
    if (its) return topology_->WhereTo(node->address);
  }
  return std::nullopt;
}

void Router::OnReady(Pipeline& pipeline, bool) {
  if (shut_down_) return;
  const bool told = Recount();
  if (!told && pipeline.kind() == Pipeline::Kind::kPrimary) Tell();
}

void Router::OnFailure(Pipeline&) {
  if (!shut_down_) topology_->Doubt();
}

bool Router::Recount() {
  const bool known = !clustered_ || !by_slot_.empty();
  const bool all = std::all_of(nodes_.begin(), nodes_.end(), [](const std::unique_ptr<Node>& node) {
    return !node->listed || node->connected();
  });
  const bool now = known && all;
  if (now == connected()) return false;
  connected_.store(now, std::memory_order_release);
  if (now) {
    ready_.Set();
  } else {
    ready_.Reset();
  }
  Tell();
  return true;
}

void Router::Tell() {
  // Posted: an observer may do anything, and this may be the middle of a batch of replies.
  loop_.Post([self = shared_from_this(), now = connected()] {
    for (size_t i = 0; i < self->observers_.size(); ++i) self->observers_[i](now);
  });
}

void Router::AddObserver(absl::AnyInvocable<void(bool)> observer) {
  if (connected()) observer(true);
  observers_.push_back(std::move(observer));
}

}  // namespace motcua::redis
