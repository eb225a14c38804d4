// What an event changes in what is known of a dossier, and who is told of it.
#pragma once

#include "common/reference/catalogue.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

// What to do with an event.
enum class Effect {
  // Nothing to learn and nobody to tell: an event of no interest, or one taken before.
  kNone,
  // The record was changed.
  kTaken,
  // The dossier is not known yet: the feed of intake lags behind the one that told of it.
  kWaitForIntake,
};

// Takes an event into the record of its dossier: facts are learnt, and where somebody is to be told, an
// occasion with its letters is added, yet without numbers in inboxes and without deliveries. `record` without
// a code = there is none yet; only intake's acceptance or refusal begins one.
//
//  DossierAccepted, DossierRefused, SupplementRequested, SupplementReceived, ResultReady, ResultReturned,
//  DueChanged
//                           the applicant
//  HandOverOffered          the agency it is offered to
//  ConsultationRequested    the agency asked
//  ConsultationAnswered     the agency that had asked
//  AlertRaised              the audience that it names, about its own holder and receiving agency
//  ApologyDue               holder-leader and receiving-leader
//
// Pure. The same event a second time (by its source and position) has no effect.
Effect Take(internal::notification::DossierRecord& record, internal::notification::Source source,
            const feed::v1::Event& event, const reference::Catalogue& catalogue);

// Takes an event that is told of a record, in the place of those that were missed: facts are learnt and
// nobody is told of what has been. A dossier begun so is `learnt`: where its acceptance comes as news still,
// Take tells of it.
Effect Learn(internal::notification::DossierRecord& record, internal::notification::Source source,
             const feed::v1::Event& event, const reference::Catalogue& catalogue);

// Whether the event needs a record at all: others need not be looked up.
bool IsOfInterest(const feed::v1::Event& event);

}  // namespace motcua::notification
