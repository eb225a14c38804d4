#include "services/notification/calls/message_view.h"

#include <algorithm>
#include <utility>

#include "common/store/keys.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/channels/letter_text.h"
#include "services/notification/domain/delivery/delivery.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {

v1::InboxMessage MessageOf(const internal::notification::DossierRecord& record,
                           const internal::notification::Occasion& occasion,
                           const internal::notification::Letter& letter,
                           const internal::notification::Preferences* preferences,
                           const reference::Catalogue& catalogue) {
  v1::InboxMessage message;
  message.set_recipient(RecipientOf(record, letter));
  message.set_id(
      MessageId(occasion.source(), store::ShardOf(record.code()), occasion.position(), message.recipient())
          .ToString());
  message.set_dossier(record.code());
  message.set_event(std::string(TopicName(occasion.topic())));
  *message.mutable_at() = time::ToTimestamp(absl::FromUnixMicros(occasion.at()));
  Text text = LetterText(record, occasion, letter, catalogue);
  message.set_subject(std::move(text.subject));
  message.set_body(std::move(text.body));
  if (letter.read_at() != 0)
    *message.mutable_read_at() = time::ToTimestamp(absl::FromUnixSeconds(letter.read_at()));
  message.set_trace(telemetry::PackedTraceId(occasion.trace()));
  for (const internal::notification::StoredDelivery& stored : letter.deliveries()) {
    v1::Delivery* delivery = message.add_deliveries();
    delivery->set_channel(stored.channel());
    delivery->set_address(AddressOf(record, letter, stored.channel(), preferences, catalogue));
    delivery->set_state(stored.state());
    delivery->set_attempts(stored.attempts());
    if (stored.state() == v1::DELIVERY_STATE_PENDING && stored.held_until() + stored.next_attempt() > 0) {
      const absl::Time next = stored.held_until() > 0 ? absl::FromUnixSeconds(stored.held_until())
                                                      : absl::FromUnixMicros(stored.next_attempt());
      *delivery->mutable_next_attempt_at() = time::ToTimestamp(next);
    }
    if (stored.delivered_at() != 0) {
      *delivery->mutable_delivered_at() = time::ToTimestamp(absl::FromUnixSeconds(stored.delivered_at()));
    }
    delivery->set_last_error(stored.last_error());
  }
  return message;
}

}  // namespace motcua::notification
