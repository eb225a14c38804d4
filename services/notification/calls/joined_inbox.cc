// Inboxes that are made of several: of all shards that a jurisdiction has, and of the agencies whose work one
// has taken over.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/calls/inbox_reader.h"
#include "services/notification/calls/inbox_token.h"
#include "services/notification/calls/message_view.h"
#include "services/notification/calls/preferences.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {
namespace {

using async::Task;

// Inboxes that have something in them and are read as one.
constexpr size_t kMostJoined = 64;
// Letters that are looked at in each for one page, beyond its share.
constexpr uint32_t kLeastChunk = 10;
// As a score of an index.
constexpr double kBeyondAllNumbers = 9e15;

// What of one inbox is on its way into a page.
class Part {
 public:
  Part(InboxName name, std::string index) : name(std::move(name)), index(std::move(index)) {}

  InboxName name;
  std::string index;
  // Members of the index behind the last one shown, with their numbers, newest first.
  std::vector<std::pair<std::string, double>> members;
  size_t next = 0;
  // There are more than were read.
  bool more = false;

  bool empty() const { return next == members.size(); }
};

Task<absl::Status> ReadSizes(store::Store& store, std::string shard, std::vector<std::string> indexes,
                             absl::Time deadline, std::vector<uint64_t>* sizes) {
  absl::StatusOr<std::vector<uint64_t>> read =
      co_await store.IndexSizes(std::move(shard), std::move(indexes), deadline);
  if (read.ok()) *sizes = *std::move(read);
  co_return read.status();
}

Task<absl::Status> ReadPart(store::Store& store, Part* part, double below, uint32_t chunk,
                            absl::Time deadline) {
  absl::StatusOr<std::vector<std::pair<std::string, double>>> members =
      co_await store.IndexBelow(part->name.shard, part->index, below, chunk + 1, deadline);
  if (!members.ok()) co_return members.status();
  part->members = *std::move(members);
  part->more = part->members.size() > chunk;
  if (part->more) part->members.resize(chunk);
  co_return absl::OkStatus();
}

absl::Status FirstError(const std::vector<absl::Status>& results) {
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

// A letter, where it still is one.
class Found {
 public:
  Found() {}

  const internal::notification::DossierRecord* record = nullptr;
  const internal::notification::Occasion* occasion = nullptr;
  const internal::notification::Letter* letter = nullptr;
};

class Page {
 public:
  // Fetched into the sessions: what the parts' members name.
  Page(store::Store& store, const reference::Catalogue& catalogue) : store_(store), catalogue_(catalogue) {}

  Task<absl::Status> Fetch(std::vector<Part>& parts, absl::Time deadline) {
    std::map<std::string, std::vector<std::string>> keys;
    for (const Part& part : parts) {
      std::unique_ptr<store::Session>& session = sessions_[part.name.shard];
      if (session == nullptr) session = std::make_unique<store::Session>(store_, part.name.shard);
      std::vector<std::string>& of_shard = keys[part.name.shard];
      of_shard.push_back(session->KeyOf<PreferencesModel>(part.name.recipient));
      for (const auto& [member, number] : part.members) {
        const std::optional<InboxPlace> place = InboxPlace::Parse(member);
        if (place.has_value()) of_shard.push_back(session->KeyOf<DossierModel>(place->dossier));
      }
    }
    std::vector<Task<absl::Status>> reads;
    for (auto& [shard, of_shard] : keys)
      reads.push_back(sessions_[shard]->Fetch(std::move(of_shard), deadline));
    std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
    absl::Status read = FirstError(results);
    for (const auto& [shard, session] : sessions_) {
      if (!read.ok()) break;
      std::vector<std::string> recipients;
      for (const Part& part : parts) {
        if (part.name.shard == shard) recipients.push_back(part.name.recipient);
      }
      absl::StatusOr<Preferred> preferred =
          co_await Preferred::Read(*session, catalogue_, std::move(recipients), deadline);
      read = preferred.status();
      if (read.ok()) preferred_[shard] = *std::move(preferred);
    }
    co_return read;
  }

  // The letter that comes next in the part; those that were dropped since the index was read are passed over.
  Found Head(Part& part) {
    Found found;
    for (; !part.empty(); ++part.next) {
      const std::optional<InboxPlace> place = InboxPlace::Parse(part.members[part.next].first);
      if (!place.has_value()) continue;
      found.record = sessions_[part.name.shard]->Find<DossierModel>(place->dossier);
      if (found.record == nullptr) continue;
      found.occasion = FindOccasion(*found.record, place->source, place->position);
      if (found.occasion == nullptr) continue;
      found.letter = FindLetter(*found.record, *found.occasion, part.name.recipient);
      if (found.letter != nullptr) break;
    }
    return found;
  }

  const internal::notification::Preferences* PreferencesOf(const Part& part) {
    return preferred_[part.name.shard].Of(*sessions_[part.name.shard], part.name.recipient);
  }

 private:
  store::Store& store_;
  const reference::Catalogue& catalogue_;
  std::map<std::string, std::unique_ptr<store::Session>> sessions_;
  std::map<std::string, Preferred> preferred_;
};

}  // namespace

Task<absl::StatusOr<v1::ListMessagesResponse>> InboxReader::ListJoined(v1::ListMessagesRequest request,
                                                                       std::vector<InboxName> inboxes,
                                                                       service::CataloguePtr catalogue,
                                                                       absl::Time deadline) {
  const std::string purpose = absl::StrCat(request.unread_only() ? "unread\n" : "all\n", request.recipient());
  InboxToken token;
  if (!request.page_token().empty()) {
    std::optional<InboxToken> given = InboxToken::Decode(request.page_token(), purpose);
    if (!given.has_value()) {
      co_return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
    }
    token = *std::move(given);
  }
  std::map<std::string, std::vector<InboxName>> by_shard;
  for (const InboxName& inbox : inboxes) by_shard[inbox.shard].push_back(inbox);
  std::map<std::string, std::vector<uint64_t>> sizes;
  std::vector<Task<absl::Status>> reads;
  for (const auto& [shard, names] : by_shard) {
    std::vector<std::string> indexes;
    for (const InboxName& name : names)
      indexes.push_back(request.unread_only() ? UnreadIndex(name.recipient) : InboxIndex(name.recipient));
    reads.push_back(ReadSizes(store_, shard, std::move(indexes), deadline, &sizes[shard]));
  }
  std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
  absl::Status read = FirstError(results);
  if (!read.ok()) co_return read;

  v1::ListMessagesResponse response;
  std::vector<Part> parts;
  std::map<std::string, size_t> next_of;
  for (const InboxName& inbox : inboxes) {
    const uint64_t size = sizes[inbox.shard][next_of[inbox.shard]++];
    if (size == 0 || parts.size() == kMostJoined) continue;
    response.set_total(response.total() + size);
    parts.emplace_back(inbox,
                       request.unread_only() ? UnreadIndex(inbox.recipient) : InboxIndex(inbox.recipient));
  }
  const uint32_t page_size = PageSize(request.page_size());
  // The first page of one inbox may be all of the first page of all.
  const auto share = static_cast<uint32_t>(2 * page_size / std::max<size_t>(parts.size(), 1));
  const uint32_t chunk = std::clamp(share, std::min(kLeastChunk, page_size), page_size);
  std::vector<Task<absl::Status>> part_reads;
  for (Part& part : parts) {
    const std::optional<uint64_t> shown = token.Find(part.name);
    const double below = shown.has_value() ? static_cast<double>(*shown) : kBeyondAllNumbers;
    part_reads.push_back(ReadPart(store_, &part, below, chunk, deadline));
  }
  results = co_await async::WhenAll(std::move(part_reads));
  read = FirstError(results);
  if (!read.ok()) co_return read;
  Page page(store_, *catalogue);
  absl::Status fetched = co_await page.Fetch(parts, deadline);
  if (!fetched.ok()) co_return fetched;

  bool more = false;
  bool first = true;
  while (true) {
    Part* newest = nullptr;
    Found found;
    bool read_on = false;
    for (Part& part : parts) {
      Found head = page.Head(part);
      // What came on top of an inbox since the page before belongs to no later page.
      while (first && token.at > 0 && !token.Find(part.name).has_value() && head.letter != nullptr &&
             static_cast<uint64_t>(head.occasion->at()) > token.at) {
        ++part.next;
        head = page.Head(part);
      }
      read_on = read_on || (part.empty() && part.more);
      if (head.letter == nullptr) continue;
      if (newest == nullptr || head.occasion->at() > found.occasion->at()) {
        newest = &part;
        found = head;
      }
    }
    first = false;
    // The page ends where one inbox would have to be read on to know what comes next, or is full.
    more = read_on || newest != nullptr;
    if (read_on || newest == nullptr || response.messages_size() >= static_cast<int>(page_size)) break;
    *response.add_messages() =
        MessageOf(*found.record, *found.occasion, *found.letter, page.PreferencesOf(*newest), *catalogue);
    token.at = static_cast<uint64_t>(found.occasion->at());
    token.Set(newest->name, static_cast<uint64_t>(newest->members[newest->next].second));
    ++newest->next;
  }
  if (more) {
    // Also past what was dropped meanwhile: or a page might begin with the same again and again.
    for (const Part& part : parts) {
      if (part.next > 0) token.Set(part.name, static_cast<uint64_t>(part.members[part.next - 1].second));
    }
    response.set_next_page_token(token.Encode(purpose));
  }
  co_return response;
}

Task<absl::StatusOr<InboxCursor>> InboxReader::Begin(InboxName inbox, v1::SubscribeRequest request,
                                                     bool joins, absl::Time deadline) {
  InboxCursor cursor;
  const bool own = inbox.recipient == request.recipient();
  if (joins || request.after().empty()) {
    // One that joins brings what came since; what a predecessor was told is no news.
    if (joins && own) co_return cursor;
    co_return co_await AtEnd(std::move(inbox.shard), std::move(inbox.recipient), deadline);
  }
  if (std::optional<MessageId> id = MessageId::Parse(request.after()); id.has_value()) {
    if (id->shard != inbox.shard || id->recipient != inbox.recipient) co_return cursor;
    co_return co_await After(*std::move(id), deadline);
  }
  const std::optional<InboxToken> token = InboxToken::Decode(request.after(), request.recipient());
  const std::optional<uint64_t> number = token.has_value() ? token->Find(inbox) : std::nullopt;
  if (!number.has_value()) co_return co_await Begin(std::move(inbox), std::move(request), true, deadline);
  cursor.number = *number;
  co_return cursor;
}

Task<absl::Status> InboxReader::FollowAll(v1::SubscribeRequest request, std::vector<FollowedInbox>* followed,
                                          absl::Time deadline) {
  const bool joins = !followed->empty();
  std::vector<InboxName> names;
  if (!DossierOfRecipient(request.recipient()).empty()) {
    names.emplace_back(request.shard(), request.recipient());
  } else {
    absl::StatusOr<service::CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), deadline);
    if (catalogue.ok()) {
      names = InboxesOf(request.recipient(), store_.clock().Now(), **catalogue);
    } else if (absl::IsNotFound(catalogue.status())) {
      // Others join when the first reference data tell of them.
      names.emplace_back(request.shard(), request.recipient());
    } else {
      co_return catalogue.status();
    }
  }
  if (!joins && !request.after().empty()) {
    const std::optional<MessageId> id = MessageId::Parse(request.after());
    const bool known = id.has_value() && std::find(names.begin(), names.end(),
                                                   InboxName(id->shard, id->recipient)) != names.end();
    if (!known && !InboxToken::Decode(request.after(), request.recipient()).has_value()) {
      errors::Violations violations;
      violations.Add("after", "FIELD_MALFORMED",
                     "must be the id of a message of this inbox, or what it said to resume after");
      co_return violations.ToStatus();
    }
  }
  for (InboxName& name : names) {
    const bool there = std::any_of(followed->begin(), followed->end(),
                                   [&name](const FollowedInbox& inbox) { return inbox.name == name; });
    if (there) continue;
    absl::StatusOr<InboxCursor> cursor = co_await Begin(name, request, joins, deadline);
    if (!cursor.ok()) co_return cursor.status();
    followed->emplace_back(std::move(name), *cursor);
  }
  co_return absl::OkStatus();
}

std::string ResumeAt(const v1::SubscribeRequest& request, const std::vector<FollowedInbox>& followed) {
  const FollowedInbox& first = followed.front();
  // An applicant's messages have no numbers.
  if (first.cursor.number == 0 && first.cursor.position != 0) {
    return MessageId(first.cursor.source, first.name.shard, first.cursor.position, first.name.recipient)
        .ToString();
  }
  InboxToken token;
  for (const FollowedInbox& each : followed) token.Set(each.name, each.cursor.number);
  return token.Encode(request.recipient());
}

std::string ResumeAfter(const v1::SubscribeRequest& request, const std::vector<FollowedInbox>& followed,
                        const FollowedInbox& inbox, const NumberedMessage& read) {
  if (read.first == 0) return read.second.id();
  InboxToken token;
  for (const FollowedInbox& each : followed)
    token.Set(each.name, &each == &inbox ? read.first : each.cursor.number);
  return token.Encode(request.recipient());
}

}  // namespace motcua::notification
