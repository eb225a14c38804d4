// Parts that several decisions write into their events and history lines.
#pragma once

#include <string>
#include <string_view>

#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "common/store/keys.h"
#include "common/time/timestamp.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/intake/v1/dossier.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

inline feed::v1::Contact ContactOf(const v1::Dossier& dossier) {
  feed::v1::Contact contact;
  contact.set_name(dossier.applicant().name());
  contact.set_email(dossier.applicant().email());
  contact.set_phone(dossier.applicant().phone());
  contact.set_language(dossier.applicant().language());
  return contact;
}

// The dossier is judged by these reference data from now on.
inline void PinReference(const reference::Catalogue& catalogue, v1::Dossier& dossier) {
  dossier.set_reference_version(catalogue.version());
  // Mostly its own shard's, which is not worth a word in every record.
  if (catalogue.id() == store::ShardOf(dossier.code())) {
    dossier.clear_reference_jurisdiction();
  } else {
    dossier.set_reference_jurisdiction(catalogue.id());
  }
}

// A line of the history, with status and holder as `dossier` has them after the action.
inline common::v1::HistoryEntry LineOf(const store::Context& context, std::string_view action,
                                       const v1::Dossier& dossier, std::string_view note) {
  common::v1::HistoryEntry line;
  *line.mutable_at() = time::ToTimestamp(context.now);
  if (!context.actor.id().empty() || !context.actor.agency().empty()) *line.mutable_actor() = context.actor;
  line.set_action(std::string(action));
  line.set_status(dossier.status());
  line.set_holder(dossier.holder());
  line.set_note(std::string(note));
  return line;
}

}  // namespace motcua::intake
