#include "services/intake/domain/reference_change.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/reference/validate.h"
#include "common/status/errors.h"
#include "google/protobuf/util/message_differencer.h"

namespace motcua::intake {

using store::Decision;
using RecordOfReference = reference::v1::ReferenceRecord;

absl::Status CheckReferenceSet(const reference::v1::ReferenceSet& set) {
  errors::Violations violations;
  for (const reference::Violation& violation : reference::Validate(set)) {
    violations.Add(violation.path.empty() ? "set" : absl::StrCat("set.", violation.path), violation.description);
  }
  return violations.empty() ? absl::OkStatus() : violations.ToStatus("REFERENCE_INVALID");
}

std::optional<Decision<RecordOfReference>> DecideReference(const RecordOfReference* record,
                                                           reference::v1::ReferenceSet set,
                                                           const store::Context& context) {
  const uint64_t in_force = record == nullptr ? 0 : record->set().version();
  set.set_version(in_force);
  if (record != nullptr && google::protobuf::util::MessageDifferencer::Equals(record->set(), set)) return std::nullopt;
  set.set_version(in_force + 1);
  feed::v1::Event event = store::NewEvent(context, set.jurisdiction().id());
  *event.mutable_reference_applied()->mutable_set() = set;
  common::v1::HistoryEntry line;
  line.set_action("ReferenceApplied");
  *line.mutable_at() = event.at();
  *line.mutable_actor() = context.actor;
  line.set_note(absl::StrCat("version ", set.version()));
  RecordOfReference next;
  if (record != nullptr) next = *record;
  *next.mutable_set() = std::move(set);
  Decision<RecordOfReference> decision(std::move(next));
  decision.events.push_back(std::move(event));
  decision.history.push_back(std::move(line));
  return decision;
}

}  // namespace motcua::intake
