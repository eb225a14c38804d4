// Names: topics, audiences, recipients and message ids as text. All functions are pure and thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

// `DossierAccepted`, `Overdue` ...: `Message.event` and the event of a message template. Empty for no topic.
std::string_view TopicName(internal::notification::Topic topic);

// `holder-leader` ...: the words of AlertRung.audience. UNSPECIFIED for an unknown word.
std::string_view AudienceName(internal::notification::Audience audience);
internal::notification::Audience AudienceOf(std::string_view word);

// `in_app`, `email`, `webhook`; empty for no channel.
std::string_view ChannelName(v1::DeliveryChannel channel);

// `intake`, `routing`, `deadline-monitor`.
std::string_view SourceName(internal::notification::Source source);
internal::notification::Source SourceOf(std::string_view name);

// `agency:<id>` and `applicant:<code>`; every other recipient is an officer's id.
std::string AgencyRecipient(std::string_view agency);
std::string ApplicantRecipient(std::string_view code);
// The agency's id, or the dossier's code; empty where the recipient is of another kind.
std::string_view AgencyOfRecipient(std::string_view recipient);
std::string_view DossierOfRecipient(std::string_view recipient);

// A message id, taken apart: `routing/H30/17/agency:H30.18`.
struct MessageId {
  MessageId(internal::notification::Source source, std::string shard, uint64_t position,
            std::string recipient)
      : source(source), shard(std::move(shard)), position(position), recipient(std::move(recipient)) {}

  std::string ToString() const;
  static std::optional<MessageId> Parse(std::string_view text);

  internal::notification::Source source;
  std::string shard;
  uint64_t position;
  std::string recipient;
};

// Members of inbox indexes: `r17/<dossier>`, the event and where its message is kept.
std::string InboxMember(internal::notification::Source source, uint64_t position, std::string_view dossier);
struct InboxPlace {
  InboxPlace(internal::notification::Source source, uint64_t position, std::string dossier)
      : source(source), position(position), dossier(std::move(dossier)) {}

  static std::optional<InboxPlace> Parse(std::string_view member);

  internal::notification::Source source;
  uint64_t position;
  std::string dossier;
};

}  // namespace motcua::notification
