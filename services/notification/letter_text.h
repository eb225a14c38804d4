// The text of a letter, written from the templates of the reference data (mustache, logic-less).
#ifndef MOTCUA_SERVICES_NOTIFICATION_LETTER_TEXT_H_
#define MOTCUA_SERVICES_NOTIFICATION_LETTER_TEXT_H_

#include "common/reference/catalogue.h"
#include "motcua/notification/v1/message.pb.h"
#include "services/notification/domain/text.h"

namespace motcua::notification {

// By the template of (event, audience, language), else that of Vietnamese, else the built-in text. Plain text; the subject
// is one line, so that it can stand in a mail header. Pure and thread-safe.
Text LetterText(const v1::DossierRecord& record, const v1::Occasion& occasion, const v1::Letter& letter,
                const reference::Catalogue& catalogue);

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_LETTER_TEXT_H_
