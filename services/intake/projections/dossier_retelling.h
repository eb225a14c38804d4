// What intake tells of its dossiers and reference data to services that have missed events.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/feed/retelling.h"
#include "common/service/catalogues.h"
#include "common/store/store.h"
#include "services/intake/domain/dossier/dossier_model.h"

namespace motcua::intake {

// Confined to the loop. References outlive it.
class DossierRetelling final : public feed::Retelling {
 public:
  DossierRetelling(store::Store& store, service::Catalogues& catalogues)
      : store_(store), catalogues_(catalogues) {}

  std::string_view Kind() const override { return DossierModel::kKind; }
  // First the version of the reference data in force: its pieces, and then that it applies.
  std::unique_ptr<feed::RetellingStream> Open(std::string shard) override;

 private:
  store::Store& store_;
  service::Catalogues& catalogues_;
};

}  // namespace motcua::intake
