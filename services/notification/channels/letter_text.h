// The text of a letter, written from the templates of the reference data (mustache, logic-less).
#pragma once

#include "common/reference/catalogue.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"
#include "services/notification/domain/letters/text.h"

namespace motcua::notification {

// By the template of (event, audience, language), else that of Vietnamese, else the built-in text. Plain
// text; the subject is one line, so that it can stand in a mail header. Pure and thread-safe.
Text LetterText(const internal::notification::DossierRecord& record,
                const internal::notification::Occasion& occasion,
                const internal::notification::Letter& letter, const reference::Catalogue& catalogue);

}  // namespace motcua::notification
