// The stored form of a jurisdiction's reference data, the same in every service.
#ifndef MOTCUA_COMMON_SERVICE_REFERENCE_MODEL_H_
#define MOTCUA_COMMON_SERVICE_REFERENCE_MODEL_H_

#include <memory>
#include <string_view>

#include "common/reference/catalogue.h"
#include "common/store/session.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::service {

// One record per shard, named by the shard.
struct ReferenceModel {
  using Record = reference::v1::ReferenceRecord;
  static constexpr std::string_view kKind = "ref";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// Takes the set of a ReferenceApplied event over into the service's own copy, where it is newer than that. Part of
// every projection of intake's feed. The record must have been fetched into the session: see ReferenceKey.
void ApplyReferenceEvent(store::Session& session, const feed::v1::Event& event);

// The reference data as the session has them, changes included; nullptr where it holds none, so that what is
// stored counts. A session may have taken them over from events before those that a projection is given.
std::shared_ptr<const reference::Catalogue> CatalogueInSession(store::Session& session);

// The key to fetch before ApplyReferenceEvent.
std::string ReferenceKey(const store::Session& session);

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_REFERENCE_MODEL_H_
