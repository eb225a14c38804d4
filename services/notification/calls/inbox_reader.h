// Reads inboxes: pages, what came after a message, where a message is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/service/catalogues.h"
#include "common/store/session.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "services/notification/domain/inbox/inbox.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {

// How far a reader has come in an inbox: all before it was read.
class InboxCursor {
 public:
  InboxCursor() {}

  // Agencies and officers: the number of the last message read.
  uint64_t number = 0;
  // Applicants: the event of the last message read; position 0 = none.
  internal::notification::Source source = internal::notification::SOURCE_UNSPECIFIED;
  uint64_t position = 0;
};

// One of the inboxes that a reader follows as one.
class FollowedInbox {
 public:
  FollowedInbox(InboxName name, InboxCursor cursor) : name(std::move(name)), cursor(cursor) {}

  InboxName name;
  InboxCursor cursor;
  // Whoever follows is woken by what comes to it.
  bool watched = false;
};

// A message, and its number in its inbox (0: an applicant's).
using NumberedMessage = std::pair<uint64_t, v1::InboxMessage>;

// SubscribeResponse.resume of whoever stands where the cursors of `followed` are.
std::string ResumeAt(const v1::SubscribeRequest& request, const std::vector<FollowedInbox>& followed);
// The same of whoever has read no further than this message in `inbox`, which is one of them.
std::string ResumeAfter(const v1::SubscribeRequest& request, const std::vector<FollowedInbox>& followed,
                        const FollowedInbox& inbox, const NumberedMessage& read);

// Confined to the loop. Errors: the store's, NOT_FOUND (UNKNOWN_SHARD), UNAVAILABLE (WAITING_FOR_INTAKE), and
// those named.
class InboxReader {
 public:
  // References outlive the reader.
  InboxReader(store::Store& store, service::Catalogues& catalogues)
      : store_(store), catalogues_(catalogues) {}

  // Newest first, of all inboxes that the recipient's is made of. INVALID_ARGUMENT (BAD_PAGE_TOKEN).
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> List(v1::ListMessagesRequest request,
                                                             absl::Time deadline);

  // All messages about a dossier. NOT_FOUND (DOSSIER_NOT_FOUND).
  async::Task<absl::StatusOr<v1::ListDossierMessagesResponse>> ListDossier(std::string code,
                                                                           absl::Time deadline);

  // The dossier that the message is kept with; empty where it is in no inbox.
  async::Task<absl::StatusOr<std::string>> Locate(MessageId id, absl::Time deadline);

  // Adds to `followed` those of the recipient's inboxes that are not in it: at first where the request says,
  // those that join later with what has come since they could. INVALID_ARGUMENT, NOT_FOUND
  // (MESSAGE_NOT_FOUND).
  async::Task<absl::Status> FollowAll(v1::SubscribeRequest request, std::vector<FollowedInbox>* followed,
                                      absl::Time deadline);

  // Where a reader stands who has read everything, or everything up to the message. NOT_FOUND
  // (MESSAGE_NOT_FOUND).
  async::Task<absl::StatusOr<InboxCursor>> AtEnd(std::string shard, std::string recipient,
                                                 absl::Time deadline);
  async::Task<absl::StatusOr<InboxCursor>> After(MessageId id, absl::Time deadline);

  // The messages after `cursor`, oldest first, at most kChunk; empty = there are none now. Moves `cursor`
  // past them.
  async::Task<absl::StatusOr<std::vector<NumberedMessage>>> Next(std::string shard, std::string recipient,
                                                                 InboxCursor* cursor, absl::Time deadline);

  static constexpr size_t kChunk = 100;

 private:
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> ListApplicant(v1::ListMessagesRequest request,
                                                                      absl::Time deadline);
  // A page of several inboxes: each in its own order, the one whose next letter is the newest before the
  // others.
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> ListJoined(v1::ListMessagesRequest request,
                                                                   std::vector<InboxName> inboxes,
                                                                   service::CataloguePtr catalogue,
                                                                   absl::Time deadline);
  // Where to begin in one of the inboxes. `joins`: the others were begun before.
  async::Task<absl::StatusOr<InboxCursor>> Begin(InboxName inbox, v1::SubscribeRequest request, bool joins,
                                                 absl::Time deadline);
  async::Task<absl::StatusOr<std::vector<NumberedMessage>>> NextApplicant(std::string shard, std::string code,
                                                                          InboxCursor* cursor,
                                                                          absl::Time deadline);
  static uint32_t PageSize(uint32_t asked);
  async::Task<absl::StatusOr<uint64_t>> LastNumber(std::string shard, std::string recipient,
                                                   absl::Time deadline);

  store::Store& store_;
  service::Catalogues& catalogues_;
};

}  // namespace motcua::notification
