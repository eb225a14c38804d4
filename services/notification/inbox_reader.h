// Reads inboxes: pages, what came after a message, where a message is kept.
#ifndef MOTCUA_SERVICES_NOTIFICATION_INBOX_READER_H_
#define MOTCUA_SERVICES_NOTIFICATION_INBOX_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/service/catalogues.h"
#include "common/store/session.h"
#include "motcua/notification/v1/notification.pb.h"
#include "services/notification/domain/names.h"

namespace motcua::notification {

// How far a reader has come in an inbox: all before it was read.
class InboxCursor {
 public:
  InboxCursor() {}

  // Agencies and officers: the number of the last message read.
  uint64_t number = 0;
  // Applicants: the event of the last message read; position 0 = none.
  v1::Source source = v1::SOURCE_UNSPECIFIED;
  uint64_t position = 0;
};

// Confined to the loop. Errors: the store's, NOT_FOUND (UNKNOWN_SHARD), and those named.
class InboxReader {
 public:
  // References outlive the reader.
  InboxReader(store::Store& store, service::Catalogues& catalogues) : store_(store), catalogues_(catalogues) {}

  // Newest first. INVALID_ARGUMENT (BAD_PAGE_TOKEN).
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> List(v1::ListMessagesRequest request, absl::Time deadline);

  // All messages about a dossier. NOT_FOUND (DOSSIER_NOT_FOUND).
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> ListDossier(std::string code, absl::Time deadline);

  // The dossier that the message is kept with; empty where it is in no inbox.
  async::Task<absl::StatusOr<std::string>> Locate(MessageId id, absl::Time deadline);

  // Where a reader stands who has read everything, or everything up to the message. NOT_FOUND (MESSAGE_NOT_FOUND).
  async::Task<absl::StatusOr<InboxCursor>> AtEnd(std::string shard, std::string recipient, absl::Time deadline);
  async::Task<absl::StatusOr<InboxCursor>> After(MessageId id, absl::Time deadline);

  // The messages after `cursor`, oldest first, at most kChunk; empty = there are none now. Moves `cursor` past them.
  async::Task<absl::StatusOr<std::vector<v1::Message>>> Next(std::string shard, std::string recipient,
                                                             InboxCursor* cursor, absl::Time deadline);

  static constexpr size_t kChunk = 100;

 private:
  async::Task<absl::StatusOr<v1::ListMessagesResponse>> ListApplicant(v1::ListMessagesRequest request,
                                                                      absl::Time deadline);
  async::Task<absl::StatusOr<std::vector<v1::Message>>> NextApplicant(std::string shard, std::string code,
                                                                      InboxCursor* cursor, absl::Time deadline);
  async::Task<absl::StatusOr<uint64_t>> LastNumber(std::string shard, std::string recipient, absl::Time deadline);

  store::Store& store_;
  service::Catalogues& catalogues_;
};

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_INBOX_READER_H_
