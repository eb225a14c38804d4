#include "services/notification/domain/letters/names.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "motcua/internal/notification/records.pb.h"

namespace motcua::notification {
namespace {

constexpr std::string_view kAgency = "agency:";
constexpr std::string_view kApplicant = "applicant:";

std::string_view After(std::string_view prefix, std::string_view text) {
  return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : std::string_view();
}

bool ParsePosition(std::string_view text, uint64_t& position) {
  return absl::SimpleAtoi(std::string(text), &position) && position > 0 && std::to_string(position) == text;
}

char SourceLetter(internal::notification::Source source) {
  switch (source) {
    case internal::notification::SOURCE_INTAKE:
      return 'i';
    case internal::notification::SOURCE_ROUTING:
      return 'r';
    default:
      return 'd';
  }
}

}  // namespace

std::string_view TopicName(internal::notification::Topic topic) {
  switch (topic) {
    case internal::notification::TOPIC_DOSSIER_ACCEPTED:
      return "DossierAccepted";
    case internal::notification::TOPIC_DOSSIER_REFUSED:
      return "DossierRefused";
    case internal::notification::TOPIC_RESULT_RETURNED:
      return "ResultReturned";
    case internal::notification::TOPIC_HAND_OVER_OFFERED:
      return "HandOverOffered";
    case internal::notification::TOPIC_CONSULTATION_REQUESTED:
      return "ConsultationRequested";
    case internal::notification::TOPIC_CONSULTATION_ANSWERED:
      return "ConsultationAnswered";
    case internal::notification::TOPIC_SUPPLEMENT_REQUESTED:
      return "SupplementRequested";
    case internal::notification::TOPIC_SUPPLEMENT_RECEIVED:
      return "SupplementReceived";
    case internal::notification::TOPIC_RESULT_READY:
      return "ResultReady";
    case internal::notification::TOPIC_NEARING:
      return "Nearing";
    case internal::notification::TOPIC_DUE_TODAY:
      return "DueToday";
    case internal::notification::TOPIC_OVERDUE:
      return "Overdue";
    case internal::notification::TOPIC_ESCALATED:
      return "Escalated";
    case internal::notification::TOPIC_DUE_CHANGED:
      return "DueChanged";
    case internal::notification::TOPIC_APOLOGY_DUE:
      return "ApologyDue";
    default:
      return "";
  }
}

std::string_view AudienceName(internal::notification::Audience audience) {
  switch (audience) {
    case internal::notification::AUDIENCE_APPLICANT:
      return "applicant";
    case internal::notification::AUDIENCE_HOLDER:
      return "holder";
    case internal::notification::AUDIENCE_HOLDER_LEADER:
      return "holder-leader";
    case internal::notification::AUDIENCE_RECEIVING_LEADER:
      return "receiving-leader";
    case internal::notification::AUDIENCE_COMMITTEE_LEADER:
      return "committee-leader";
    default:
      return "";
  }
}

internal::notification::Audience AudienceOf(std::string_view word) {
  for (int i = 1; i <= internal::notification::Audience_MAX; ++i) {
    const auto audience = static_cast<internal::notification::Audience>(i);
    if (AudienceName(audience) == word) return audience;
  }
  return internal::notification::AUDIENCE_UNSPECIFIED;
}

std::string_view ChannelName(v1::DeliveryChannel channel) {
  switch (channel) {
    case v1::DELIVERY_CHANNEL_IN_APP:
      return "in_app";
    case v1::DELIVERY_CHANNEL_EMAIL:
      return "email";
    case v1::DELIVERY_CHANNEL_WEBHOOK:
      return "webhook";
    default:
      return "";
  }
}

std::string_view SourceName(internal::notification::Source source) {
  switch (source) {
    case internal::notification::SOURCE_INTAKE:
      return "intake";
    case internal::notification::SOURCE_ROUTING:
      return "routing";
    case internal::notification::SOURCE_DEADLINE_MONITOR:
      return "deadline-monitor";
    default:
      return "";
  }
}

internal::notification::Source SourceOf(std::string_view name) {
  for (int i = 1; i <= internal::notification::Source_MAX; ++i) {
    const auto source = static_cast<internal::notification::Source>(i);
    if (SourceName(source) == name) return source;
  }
  return internal::notification::SOURCE_UNSPECIFIED;
}

std::string AgencyRecipient(std::string_view agency) { return std::string(kAgency).append(agency); }
std::string ApplicantRecipient(std::string_view code) { return std::string(kApplicant).append(code); }
std::string_view AgencyOfRecipient(std::string_view recipient) { return After(kAgency, recipient); }
std::string_view DossierOfRecipient(std::string_view recipient) { return After(kApplicant, recipient); }

std::string MessageId::ToString() const {
  return std::string(SourceName(source)) + "/" + shard + "/" + std::to_string(position) + "/" + recipient;
}

std::optional<MessageId> MessageId::Parse(std::string_view text) {
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    part = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  MessageId id(SourceOf(parts[0]), std::string(parts[1]), 0, std::string(text));
  if (id.source == internal::notification::SOURCE_UNSPECIFIED || id.shard.empty() || id.recipient.empty() ||
      !ParsePosition(parts[2], id.position)) {
    return std::nullopt;
  }
  return id;
}

std::string InboxMember(internal::notification::Source source, uint64_t position, std::string_view dossier) {
  return std::string(1, SourceLetter(source)).append(std::to_string(position)).append("/").append(dossier);
}

std::optional<InboxPlace> InboxPlace::Parse(std::string_view member) {
  const size_t slash = member.find('/');
  if (slash == std::string_view::npos || slash < 2) return std::nullopt;
  InboxPlace place(internal::notification::SOURCE_UNSPECIFIED, 0, std::string(member.substr(slash + 1)));
  for (int i = 1; i <= internal::notification::Source_MAX; ++i) {
    if (SourceLetter(static_cast<internal::notification::Source>(i)) == member[0])
      place.source = static_cast<internal::notification::Source>(i);
  }
  if (place.source == internal::notification::SOURCE_UNSPECIFIED ||
      !ParsePosition(member.substr(1, slash - 1), place.position)) {
    return std::nullopt;
  }
  return place;
}

}  // namespace motcua::notification
