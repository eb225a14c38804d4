// Names: topics, audiences, recipients and message ids as text. All functions are pure and thread-safe.
#ifndef MOTCUA_SERVICES_NOTIFICATION_DOMAIN_NAMES_H_
#define MOTCUA_SERVICES_NOTIFICATION_DOMAIN_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

// `DossierAccepted`, `Overdue` ...: `Message.event` and the event of a message template. Empty for no topic.
std::string_view TopicName(v1::Topic topic);

// `holder-leader` ...: the words of AlertRung.audience. UNSPECIFIED for an unknown word.
std::string_view AudienceName(v1::Audience audience);
v1::Audience AudienceOf(std::string_view word);

// `in_app`, `email`, `webhook`; empty for no channel.
std::string_view ChannelName(v1::Channel channel);

// `intake`, `routing`, `deadline-monitor`.
std::string_view SourceName(v1::Source source);
v1::Source SourceOf(std::string_view name);

// `agency:<id>` and `applicant:<code>`; every other recipient is an officer's id.
std::string AgencyRecipient(std::string_view agency);
std::string ApplicantRecipient(std::string_view code);
// The agency's id, or the dossier's code; empty where the recipient is of another kind.
std::string_view AgencyOfRecipient(std::string_view recipient);
std::string_view DossierOfRecipient(std::string_view recipient);

// A message id, taken apart: `routing/H30/17/agency:H30.18`.
struct MessageId {
  MessageId(v1::Source source, std::string shard, uint64_t position, std::string recipient)
      : source(source), shard(std::move(shard)), position(position), recipient(std::move(recipient)) {}

  std::string ToString() const;
  static std::optional<MessageId> Parse(std::string_view text);

  v1::Source source;
  std::string shard;
  uint64_t position;
  std::string recipient;
};

// Members of inbox indexes: `r17/<dossier>`, the event and where its message is kept.
std::string InboxMember(v1::Source source, uint64_t position, std::string_view dossier);
struct InboxPlace {
  InboxPlace(v1::Source source, uint64_t position, std::string dossier)
      : source(source), position(position), dossier(std::move(dossier)) {}

  static std::optional<InboxPlace> Parse(std::string_view member);

  v1::Source source;
  uint64_t position;
  std::string dossier;
};

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_DOMAIN_NAMES_H_
