// Texts: templates of the catalogue, the language of the applicant, the built-in text, nothing executed.
#include "services/notification/domain/letters/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/channels/letter_text.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/telling.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

using ::testing::HasSubstr;

void AddTemplate(reference::v1::ReferenceSet& set, const std::string& language, const std::string& subject,
                 const std::string& body) {
  reference::v1::MessageTemplate* added = set.add_templates();
  added->set_event("DossierAccepted");
  added->set_audience("applicant");
  added->set_language(language);
  added->set_subject(subject);
  added->set_body(body);
}

internal::notification::DossierRecord Record(const std::string& language,
                                             const std::string& name = "Nguyễn Văn A") {
  internal::notification::DossierRecord record;
  feed::v1::Event event = Accepted(1);
  event.mutable_dossier_accepted()->mutable_applicant()->set_language(language);
  event.mutable_dossier_accepted()->mutable_applicant()->set_name(name);
  Take(record, internal::notification::SOURCE_INTAKE, event, SmallCatalogue());
  return record;
}

Text Written(const internal::notification::DossierRecord& record, const reference::Catalogue& catalogue) {
  return LetterText(record, record.occasions(0), record.occasions(0).letters(0), catalogue);
}

TEST(Text, TemplatesAreFilledInTheApplicantsLanguage) {
  reference::v1::ReferenceSet set = SmallSet();
  AddTemplate(set, "vi", "Hồ sơ {{code}}", "{{applicant}}: {{agency}}, {{at}}, {{due}}{{#reason}}, {{reason}}{{/reason}}.");
  AddTemplate(set, "en", "Dossier {{code}}", "{{due}}");
  const auto catalogue = Compile(set);
  const Text vi = Written(Record(""), *catalogue);
  EXPECT_EQ(vi.subject, std::string("Hồ sơ ") + kCode);
  EXPECT_EQ(vi.body, "Nguyễn Văn A: Agency H30.18.05, 09:00 14/07/2026, 09:00 19/07/2026.");
  const Text en = Written(Record("en"), *catalogue);
  EXPECT_EQ(en.subject, std::string("Dossier ") + kCode);
  EXPECT_EQ(en.body, "2026-07-19 09:00");
  EXPECT_EQ(Written(Record("fr"), *catalogue).subject, std::string("Hồ sơ ") + kCode);
}

TEST(Text, IsPlainText) {
  reference::v1::ReferenceSet set = SmallSet();
  AddTemplate(set, "vi", "x", "{{applicant}} {{{applicant}}}");
  EXPECT_EQ(Written(Record("", "A & B <{{code}}>"), *Compile(set)).body, "A & B <{{code}}> A & B <{{code}}>");
}

TEST(Text, ASubjectIsOneLine) {
  reference::v1::ReferenceSet set = SmallSet();
  AddTemplate(set, "vi", "a {{applicant}}", "x");
  const Text text = Written(Record("", "evil\r\nBcc: all@example.org"), *Compile(set));
  EXPECT_EQ(text.subject, "a evil  Bcc: all@example.org");
}

TEST(Text, EveryTopicHasABuiltInText) {
  for (int topic = 1; topic <= internal::notification::Topic_MAX; ++topic) {
    const internal::notification::DossierRecord record = Record("");
    internal::notification::Occasion occasion = record.occasions(0);
    occasion.set_topic(static_cast<internal::notification::Topic>(topic));
    const Text text = LetterText(record, occasion, occasion.letters(0), SmallCatalogue());
    EXPECT_THAT(text.subject, HasSubstr(kCode));
    EXPECT_THAT(text.body, HasSubstr("19/07/2026"));
  }
}

TEST(Text, AForgottenApplicantIsAddressedPolitely) {
  internal::notification::DossierRecord record = Record("");
  record.clear_applicant();
  EXPECT_EQ(FactsOf(record, record.occasions(0), "vi", SmallCatalogue())["applicant"], "Ông/Bà");
  EXPECT_EQ(FactsOf(record, record.occasions(0), "en", SmallCatalogue())["applicant"], "the applicant");
}

}  // namespace
}  // namespace motcua::notification
