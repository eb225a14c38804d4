#include "services/notification/calls/preferences.h"

#include <optional>
#include <utility>

#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {

async::Task<absl::StatusOr<Preferred>> Preferred::Read(store::Session& session,
                                                       const reference::Catalogue& catalogue,
                                                       std::vector<std::string> recipients,
                                                       absl::Time deadline) {
  Preferred preferred;
  if (recipients.empty() || session.keys().shard() == catalogue.id()) co_return preferred;
  const store::Keyspace keyspace = session.store().Keys(catalogue.id());
  std::vector<std::string> keys;
  for (const std::string& recipient : recipients)
    keys.push_back(keyspace.Record(PreferencesModel::kKind, recipient));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await session.store().Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  for (size_t i = 0; i < recipients.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    uint64_t version = 0;
    internal::notification::Preferences& preferences = preferred.own_[recipients[i]];
    absl::Status read = store::ReadStored<PreferencesModel>(*(*values)[i], preferences, version);
    if (!read.ok()) co_return errors::Prefixed(read, "preferences");
  }
  co_return preferred;
}

const internal::notification::Preferences* Preferred::Of(store::Session& session,
                                                         const std::string& recipient) const {
  const auto found = own_.find(recipient);
  return found != own_.end() ? &found->second : session.Find<PreferencesModel>(recipient);
}

}  // namespace motcua::notification
