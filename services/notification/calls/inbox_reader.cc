#include "services/notification/calls/inbox_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/calls/message_view.h"
#include "services/notification/calls/preferences.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {
namespace {

using async::Task;
using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

constexpr uint32_t kDefaultPage = 50;
constexpr uint32_t kLargestPage = 200;
// How often a look at an inbox that others write to meanwhile is repeated.
constexpr int kLooks = 8;

absl::Status NoSuchMessage() {
  return errors::NotFound("MESSAGE_NOT_FOUND", "no such message, or it left the full inbox");
}

std::vector<InboxPlace> PlacesOf(const std::vector<std::string>& members) {
  std::vector<InboxPlace> places;
  places.reserve(members.size());
  for (const std::string& member : members) {
    std::optional<InboxPlace> place = InboxPlace::Parse(member);
    if (place.has_value()) places.push_back(*std::move(place));
  }
  return places;
}

std::vector<std::string> KeysOf(const store::Session& session, const std::vector<InboxPlace>& places,
                                const std::string& recipient) {
  std::vector<std::string> keys;
  keys.reserve(places.size() + 1);
  for (const InboxPlace& place : places) keys.push_back(session.KeyOf<DossierModel>(place.dossier));
  keys.push_back(session.KeyOf<PreferencesModel>(recipient));
  return keys;
}

const internal::notification::Letter* LetterAt(const internal::notification::DossierRecord* record,
                                               const InboxPlace& place, const std::string& recipient,
                                               const internal::notification::Occasion** occasion) {
  *occasion = record == nullptr ? nullptr : FindOccasion(*record, place.source, place.position);
  return *occasion == nullptr ? nullptr : FindLetter(*record, **occasion, recipient);
}

}  // namespace

uint32_t InboxReader::PageSize(uint32_t asked) {
  return asked == 0 ? kDefaultPage : std::min(asked, kLargestPage);
}

Task<absl::StatusOr<v1::ListMessagesResponse>> InboxReader::List(v1::ListMessagesRequest request,
                                                                 absl::Time deadline) {
  if (!DossierOfRecipient(request.recipient()).empty()) {
    co_return co_await ListApplicant(std::move(request), deadline);
  }
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  std::vector<InboxName> inboxes = InboxesOf(request.recipient(), store_.clock().Now(), **catalogue);
  if (inboxes.size() > 1) {
    co_return co_await ListJoined(std::move(request), std::move(inboxes), *std::move(catalogue), deadline);
  }
  store::Session session(store_, request.shard());
  const std::string index =
      request.unread_only() ? UnreadIndex(request.recipient()) : InboxIndex(request.recipient());
  absl::StatusOr<store::IndexPage> page =
      co_await store_.ReadIndex(session.keys().shard(), index, store::Order::kDescending,
                                PageSize(request.page_size()), request.page_token(), deadline);
  if (!page.ok()) co_return page.status();
  const std::vector<InboxPlace> places = PlacesOf(page->members);
  absl::Status fetched = co_await session.Fetch(KeysOf(session, places, request.recipient()), deadline);
  if (!fetched.ok()) co_return fetched;
  v1::ListMessagesResponse response;
  const internal::notification::Preferences* preferences =
      session.Find<PreferencesModel>(request.recipient());
  for (const InboxPlace& place : places) {
    const internal::notification::DossierRecord* record = session.Find<DossierModel>(place.dossier);
    const internal::notification::Occasion* occasion = nullptr;
    const internal::notification::Letter* letter = LetterAt(record, place, request.recipient(), &occasion);
    if (letter == nullptr) continue;  // dropped since the index was read
    *response.add_messages() = MessageOf(*record, *occasion, *letter, preferences, **catalogue);
  }
  response.set_next_page_token(std::move(page->next_page_token));
  response.set_total(page->total);
  co_return response;
}

// The record is the inbox; a page token names the last message seen.
Task<absl::StatusOr<v1::ListMessagesResponse>> InboxReader::ListApplicant(v1::ListMessagesRequest request,
                                                                          absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  const std::string code(DossierOfRecipient(request.recipient()));
  const std::optional<InboxPlace> token = InboxPlace::Parse(request.page_token());
  if (!request.page_token().empty() && (!token.has_value() || token->dossier != code)) {
    co_return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
  }
  store::Session session(store_, request.shard());
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  v1::ListMessagesResponse response;
  const internal::notification::DossierRecord* record = session.Find<DossierModel>(code);
  if (record == nullptr) co_return response;
  bool started = !token.has_value();
  const internal::notification::Occasion* last = nullptr;
  for (int i = record->occasions_size() - 1; i >= 0; --i) {
    const internal::notification::Occasion& occasion = record->occasions(i);
    const internal::notification::Letter* letter = FindLetter(*record, occasion, request.recipient());
    if (letter == nullptr || (request.unread_only() && letter->read_at() != 0)) continue;
    response.set_total(response.total() + 1);
    const bool full = response.messages_size() >= static_cast<int>(PageSize(request.page_size()));
    if (started && full && response.next_page_token().empty()) {
      response.set_next_page_token(InboxMember(last->source(), last->position(), code));
    }
    if (started && !full) {
      *response.add_messages() = MessageOf(*record, occasion, *letter, nullptr, **catalogue);
      last = &occasion;
    }
    if (token.has_value() && occasion.source() == token->source && occasion.position() == token->position) {
      started = true;
    }
  }
  co_return response;
}

Task<absl::StatusOr<v1::ListDossierMessagesResponse>> InboxReader::ListDossier(std::string code,
                                                                               absl::Time deadline) {
  const std::string shard = store::ShardOf(code);
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, deadline);
  if (!catalogue.ok() && !absl::IsNotFound(catalogue.status())) co_return catalogue.status();
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::notification::DossierRecord* record = session.Find<DossierModel>(code);
  if (record == nullptr || !catalogue.ok()) {
    co_return errors::NotFound("DOSSIER_NOT_FOUND", "nothing is known here of a dossier with this code");
  }
  std::vector<std::string> preferences;
  for (const std::string& party : record->parties())
    preferences.push_back(session.KeyOf<PreferencesModel>(party));
  absl::Status known = co_await session.Fetch(std::move(preferences), deadline);
  if (!known.ok()) co_return known;
  std::vector<std::string> parties(record->parties().begin(), record->parties().end());
  absl::StatusOr<Preferred> preferred =
      co_await Preferred::Read(session, **catalogue, std::move(parties), deadline);
  if (!preferred.ok()) co_return preferred.status();
  v1::ListDossierMessagesResponse response;
  for (const internal::notification::Occasion& occasion : record->occasions()) {
    for (const internal::notification::Letter& letter : occasion.letters()) {
      const std::string_view party = PartyName(*record, letter.party());
      const internal::notification::Preferences* preference =
          party.empty() ? nullptr : preferred->Of(session, std::string(party));
      *response.add_messages() = MessageOf(*record, occasion, letter, preference, **catalogue);
    }
  }
  co_return response;
}

Task<absl::StatusOr<std::string>> InboxReader::Locate(MessageId id, absl::Time deadline) {
  const std::string_view code = DossierOfRecipient(id.recipient);
  if (!code.empty()) co_return std::string(code);
  const std::string index = InboxIndex(id.recipient);
  std::string token;
  do {
    absl::StatusOr<store::IndexPage> page = co_await store_.ReadIndex(
        id.shard, index, store::Order::kDescending, 1000, std::move(token), deadline);
    if (!page.ok()) co_return page.status();
    for (const InboxPlace& place : PlacesOf(page->members)) {
      if (place.source == id.source && place.position == id.position) co_return place.dossier;
    }
    token = std::move(page->next_page_token);
  } while (!token.empty());
  co_return std::string();
}

Task<absl::StatusOr<uint64_t>> InboxReader::LastNumber(std::string shard, std::string recipient,
                                                       absl::Time deadline) {
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<InboxModel>(recipient));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::notification::InboxRecord* inbox = session.Find<InboxModel>(recipient);
  co_return inbox == nullptr ? uint64_t{0} : inbox->last_number();
}

Task<absl::StatusOr<InboxCursor>> InboxReader::AtEnd(std::string shard, std::string recipient,
                                                     absl::Time deadline) {
  InboxCursor cursor;
  const std::string code(DossierOfRecipient(recipient));
  if (code.empty()) {
    absl::StatusOr<uint64_t> last = co_await LastNumber(std::move(shard), std::move(recipient), deadline);
    if (!last.ok()) co_return last.status();
    cursor.number = *last;
    co_return cursor;
  }
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::notification::DossierRecord* record = session.Find<DossierModel>(code);
  for (int i = record == nullptr ? -1 : record->occasions_size() - 1; i >= 0; --i) {
    const internal::notification::Occasion& occasion = record->occasions(i);
    if (FindLetter(*record, occasion, recipient) == nullptr) continue;
    cursor.source = occasion.source();
    cursor.position = occasion.position();
    break;
  }
  co_return cursor;
}

Task<absl::StatusOr<InboxCursor>> InboxReader::After(MessageId id, absl::Time deadline) {
  absl::StatusOr<std::string> dossier = co_await Locate(id, deadline);
  if (!dossier.ok()) co_return dossier.status();
  if (dossier->empty()) co_return NoSuchMessage();
  store::Session session(store_, id.shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(*dossier));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  const internal::notification::Occasion* occasion = nullptr;
  const internal::notification::Letter* letter =
      LetterAt(session.Find<DossierModel>(*dossier), InboxPlace(id.source, id.position, *dossier),
               id.recipient, &occasion);
  if (letter == nullptr) co_return NoSuchMessage();
  InboxCursor cursor;
  cursor.number = letter->number();
  cursor.source = id.source;
  cursor.position = id.position;
  co_return cursor;
}

Task<absl::StatusOr<std::vector<NumberedMessage>>> InboxReader::Next(std::string shard, std::string recipient,
                                                                     InboxCursor* cursor,
                                                                     absl::Time deadline) {
  const std::string code(DossierOfRecipient(recipient));
  if (!code.empty()) co_return co_await NextApplicant(std::move(shard), code, cursor, deadline);
  std::vector<NumberedMessage> messages;
  for (int look = 0; look < kLooks; ++look) {
    absl::StatusOr<uint64_t> last = co_await LastNumber(shard, recipient, deadline);
    if (!last.ok()) co_return last.status();
    if (*last <= cursor->number) break;
    absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, deadline);
    if (!catalogue.ok()) co_return catalogue.status();
    store::Session session(store_, shard);
    const auto behind = static_cast<uint32_t>(std::min<uint64_t>(*last - cursor->number, 1000));
    absl::StatusOr<store::IndexPage> page = co_await store_.ReadIndex(
        session.keys().shard(), InboxIndex(recipient), store::Order::kDescending, behind, "", deadline);
    if (!page.ok()) co_return page.status();
    // Oldest first, and of those only a chunk.
    std::reverse(page->members.begin(), page->members.end());
    if (page->members.size() > kChunk) page->members.resize(kChunk);
    const std::vector<InboxPlace> places = PlacesOf(page->members);
    absl::Status fetched = co_await session.Fetch(KeysOf(session, places, recipient), deadline);
    if (!fetched.ok()) co_return fetched;
    std::vector<std::string> recipients;
    recipients.push_back(recipient);
    absl::StatusOr<Preferred> preferred =
        co_await Preferred::Read(session, **catalogue, std::move(recipients), deadline);
    if (!preferred.ok()) co_return preferred.status();
    const internal::notification::Preferences* preferences = preferred->Of(session, recipient);
    uint64_t reached = cursor->number;
    bool gap = false;
    for (const InboxPlace& place : places) {
      const internal::notification::DossierRecord* record = session.Find<DossierModel>(place.dossier);
      const internal::notification::Occasion* occasion = nullptr;
      const internal::notification::Letter* letter = LetterAt(record, place, recipient, &occasion);
      if (letter == nullptr || letter->number() <= reached) continue;
      // The page began later than it should: the inbox grew since LastNumber. What left it meanwhile is lost
      // to this reader, who was a whole inbox behind.
      if (letter->number() > reached + 1 && messages.empty() && !page->next_page_token.empty() &&
          behind < 1000) {
        gap = true;
        break;
      }
      reached = letter->number();
      messages.emplace_back(reached, MessageOf(*record, *occasion, *letter, preferences, **catalogue));
    }
    if (gap || messages.empty()) continue;
    cursor->number = reached;
    break;
  }
  co_return messages;
}

Task<absl::StatusOr<std::vector<NumberedMessage>>> InboxReader::NextApplicant(std::string shard,
                                                                              std::string code,
                                                                              InboxCursor* cursor,
                                                                              absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<DossierModel>(code));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  std::vector<NumberedMessage> messages;
  const internal::notification::DossierRecord* record = session.Find<DossierModel>(code);
  if (record == nullptr) co_return messages;
  const std::string recipient = ApplicantRecipient(code);
  // Where the last message read was dropped since, all that is left is newer.
  bool started = cursor->position == 0 || FindOccasion(*record, cursor->source, cursor->position) == nullptr;
  for (const internal::notification::Occasion& occasion : record->occasions()) {
    const internal::notification::Letter* letter = FindLetter(*record, occasion, recipient);
    if (started && letter != nullptr && messages.size() < kChunk) {
      messages.emplace_back(0, MessageOf(*record, occasion, *letter, nullptr, **catalogue));
      cursor->source = occasion.source();
      cursor->position = occasion.position();
      continue;
    }
    started = started || (occasion.source() == cursor->source && occasion.position() == cursor->position);
  }
  co_return messages;
}

}  // namespace motcua::notification
