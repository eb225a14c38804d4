#include "services/notification/channels/letter_text.h"

#include <string>

#include "kainjow/mustache.hpp"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {
namespace {

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// False where the template cannot be used; the loader has checked it, so that is rare.
bool Fill(const std::string& source, const kainjow::mustache::data& facts, std::string& text) {
  kainjow::mustache::mustache compiled(source);
  if (!compiled.is_valid()) return false;
  compiled.set_custom_escape([](const std::string& value) { return value; });  // plain text, not HTML
  text = compiled.render(facts);
  return compiled.is_valid();
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

Text LetterText(const internal::notification::DossierRecord& record,
                const internal::notification::Occasion& occasion,
                const internal::notification::Letter& letter, const reference::Catalogue& catalogue) {
  const std::string language = LanguageOf(record, letter);
  const reference::v1::MessageTemplate* form = catalogue.FindTemplate(
      View(TopicName(occasion.topic())), View(AudienceName(letter.audience())), language);
  // A fallback in another language is filled in that language.
  const Facts facts =
      FactsOf(record, occasion, form == nullptr ? "vi" : std::string_view(form->language()), catalogue);
  Text text("", "");
  if (form != nullptr) {
    kainjow::mustache::data data;
    for (const auto& [name, value] : facts) {
      if (!value.empty()) data.set(name, value);  // absent is false: `{{#reason}}` sections vanish
    }
    if (!Fill(form->subject(), data, text.subject) || !Fill(form->body(), data, text.body)) form = nullptr;
  }
  if (form == nullptr) text = BuiltInText(occasion.topic(), facts);
  text.subject = OneLine(std::move(text.subject));
  return text;
}

}  // namespace motcua::notification
