#include "common/service/reference_model.h"

namespace motcua::service {

std::string ReferenceKey(const store::Session& session) {
  return session.KeyOf<ReferenceModel>(session.keys().shard());
}

void ApplyReferenceEvent(store::Session& session, const feed::v1::Event& event) {
  const std::string& shard = session.keys().shard();
  const reference::v1::ReferenceSet& set = event.reference_applied().set();
  const ReferenceModel::Record* record = session.Find<ReferenceModel>(shard);
  if (record != nullptr && record->set().version() >= set.version()) return;
  store::Decision<ReferenceModel::Record> decision((ReferenceModel::Record()));
  *decision.record.mutable_set() = set;
  session.Apply<ReferenceModel>(shard, std::move(decision));
}

std::shared_ptr<const reference::Catalogue> CatalogueInSession(store::Session& session) {
  const ReferenceModel::Record* record = session.Find<ReferenceModel>(session.keys().shard());
  if (record == nullptr) return nullptr;
  absl::StatusOr<std::shared_ptr<const reference::Catalogue>> catalogue =
      reference::Catalogue::Compile(record->set());
  return catalogue.ok() ? *std::move(catalogue) : nullptr;
}

}  // namespace motcua::service
