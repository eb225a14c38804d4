#include "services/notification/domain/letters/text.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {
namespace {

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

std::string AgencyName(std::string_view id, const reference::Catalogue& catalogue) {
  const reference::v1::Agency* agency = catalogue.FindAgency(View(id));
  return agency == nullptr || agency->name().empty() ? std::string(id) : agency->name();
}

std::string LocalTime(absl::Time t, bool vietnamese, const reference::Catalogue& catalogue) {
  return absl::FormatTime(vietnamese ? "%H:%M %d/%m/%Y" : "%Y-%m-%d %H:%M", t, catalogue.time_zone());
}

// The item of an alert in words; the dossier itself has none.
std::string ItemInWords(const std::string& item, bool vietnamese) {
  if (item.empty()) return "";
  if (item == "offer") return vietnamese ? "bàn giao chưa được nhận" : "hand-over not yet accepted";
  if (item.rfind("consult-", 0) == 0) {
    return absl::StrCat(vietnamese ? "ý kiến phối hợp số " : "consultation ", item.substr(8));
  }
  return absl::StrCat(vietnamese ? "bước " : "step ", item);
}

bool IsAlert(internal::notification::Topic topic) {
  return topic >= internal::notification::TOPIC_NEARING && topic <= internal::notification::TOPIC_ESCALATED;
}

std::string_view Headline(internal::notification::Topic topic) {
  switch (topic) {
    case internal::notification::TOPIC_DOSSIER_ACCEPTED:
      return "đã được tiếp nhận";
    case internal::notification::TOPIC_DOSSIER_REFUSED:
      return "không được tiếp nhận";
    case internal::notification::TOPIC_RESULT_RETURNED:
      return "đã trả kết quả";
    case internal::notification::TOPIC_HAND_OVER_OFFERED:
      return "chờ nhận bàn giao";
    case internal::notification::TOPIC_CONSULTATION_REQUESTED:
      return "đề nghị phối hợp";
    case internal::notification::TOPIC_CONSULTATION_ANSWERED:
      return "đã có ý kiến phối hợp";
    case internal::notification::TOPIC_SUPPLEMENT_REQUESTED:
      return "cần bổ sung";
    case internal::notification::TOPIC_SUPPLEMENT_RECEIVED:
      return "đã nhận bổ sung";
    case internal::notification::TOPIC_RESULT_READY:
      return "đã có kết quả";
    case internal::notification::TOPIC_NEARING:
      return "sắp đến hạn";
    case internal::notification::TOPIC_DUE_TODAY:
      return "đến hạn hôm nay";
    case internal::notification::TOPIC_OVERDUE:
      return "quá hạn";
    case internal::notification::TOPIC_ESCALATED:
      return "quá hạn kéo dài";
    case internal::notification::TOPIC_DUE_CHANGED:
      return "thay đổi ngày hẹn trả kết quả";
    case internal::notification::TOPIC_APOLOGY_DUE:
      return "cần xin lỗi và hẹn lại ngày trả kết quả";
    default:
      return "có thông báo";
  }
}

}  // namespace

std::string LanguageOf(const internal::notification::DossierRecord& record,
                       const internal::notification::Letter& letter) {
  const std::string& language = record.applicant().language();
  return letter.party() == 0 && !language.empty() ? language : "vi";
}

Facts FactsOf(const internal::notification::DossierRecord& record,
              const internal::notification::Occasion& occasion, std::string_view language,
              const reference::Catalogue& catalogue) {
  const bool vietnamese = language != "en";
  Facts facts;
  facts["code"] = record.code();
  const absl::CivilDay day = catalogue.DayOf(absl::FromUnixSeconds(record.accepted_at()));
  const reference::v1::Procedure* procedure = catalogue.ProcedureInForce(record.procedure(), day);
  facts["procedure"] = procedure == nullptr ? record.procedure() : procedure->name();
  facts["agency"] = AgencyName(PartyAgency(record, occasion.agency()), catalogue);
  facts["holder"] = AgencyName(PartyAgency(record, occasion.holder()), catalogue);
  facts["at"] = LocalTime(absl::FromUnixMicros(occasion.at()), vietnamese, catalogue);
  if (occasion.due() != 0) {
    facts["due"] = LocalTime(absl::FromUnixSeconds(occasion.due()), vietnamese, catalogue);
  } else {
    facts["due"] = "";
  }
  facts["reason"] = IsAlert(occasion.topic()) ? ItemInWords(occasion.note(), vietnamese) : occasion.note();
  const std::string& name = record.applicant().name();
  facts["applicant"] = !name.empty() ? name : vietnamese ? "Ông/Bà" : "the applicant";
  return facts;
}

Text BuiltInText(internal::notification::Topic topic, const Facts& facts) {
  const auto fact = [&facts](const char* name) {
    const auto found = facts.find(name);
    return found == facts.end() ? std::string() : found->second;
  };
  const std::string headline(Headline(topic));
  std::string body =
      absl::StrCat("Hồ sơ ", fact("code"), " (", fact("procedure"), ") ", headline, ", ", fact("at"), ".");
  if (!fact("holder").empty()) absl::StrAppend(&body, " Đang ở: ", fact("holder"), ".");
  if (!fact("due").empty()) absl::StrAppend(&body, " Ngày hẹn trả: ", fact("due"), ".");
  if (!fact("reason").empty()) absl::StrAppend(&body, " Nội dung: ", fact("reason"), ".");
  return Text(absl::StrCat("Hồ sơ ", fact("code"), " ", headline), std::move(body));
}

}  // namespace motcua::notification
