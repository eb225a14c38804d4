// What a message says: the facts that templates are filled with, and the built-in texts where no template
// fits.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/reference/catalogue.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

// Variables of templates: code, procedure, agency, holder, due, at, reason, applicant. Absent = empty.
using Facts = std::map<std::string, std::string>;

// The language a letter is written in: the applicant's, else Vietnamese.
std::string LanguageOf(const internal::notification::DossierRecord& record,
                       const internal::notification::Letter& letter);

// Names stand for ids where the reference data know them; times are local, `16:30 06/02/2025` (Vietnamese) or
// `2025-02-06 16:30`. An applicant whose data were removed is `Ông/Bà` (`the applicant`).
Facts FactsOf(const internal::notification::DossierRecord& record,
              const internal::notification::Occasion& occasion, std::string_view language,
              const reference::Catalogue& catalogue);

struct Text {
  Text(std::string subject, std::string body) : subject(std::move(subject)), body(std::move(body)) {}

  std::string subject;
  std::string body;
};

// The Vietnamese text for events without a template.
Text BuiltInText(internal::notification::Topic topic, const Facts& facts);

}  // namespace motcua::notification
