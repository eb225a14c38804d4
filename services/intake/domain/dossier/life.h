// The life of a dossier: which status may follow which (the national codes, as far as intake sets or learns
// them). Pure and thread-safe.
#pragma once

#include "motcua/common/v1/types.pb.h"

namespace motcua::intake {

using common::v1::DossierStatus;

// Nothing follows refused, withdrawn and returned.
inline bool HasEnded(DossierStatus status) {
  return status == common::v1::DOSSIER_STATUS_REFUSED || status == common::v1::DOSSIER_STATUS_WITHDRAWN ||
         status == common::v1::DOSSIER_STATUS_RETURNED;
}

// Accepted and not ended: routing has it, or is about to.
inline bool IsUnderWay(DossierStatus status) {
  return status != common::v1::DOSSIER_STATUS_UNSPECIFIED && status != common::v1::DOSSIER_STATUS_NEW &&
         !HasEnded(status);
}

inline bool MayFollow(DossierStatus from, DossierStatus to) {
  switch (from) {
    case common::v1::DOSSIER_STATUS_NEW:
      return to == common::v1::DOSSIER_STATUS_ACCEPTED || to == common::v1::DOSSIER_STATUS_REFUSED;
    case common::v1::DOSSIER_STATUS_ACCEPTED:
      return to == common::v1::DOSSIER_STATUS_PROCESSING;
    case common::v1::DOSSIER_STATUS_PROCESSING:
      return to == common::v1::DOSSIER_STATUS_SUPPLEMENT || to == common::v1::DOSSIER_STATUS_RESULT_READY;
    case common::v1::DOSSIER_STATUS_SUPPLEMENT:
      return to == common::v1::DOSSIER_STATUS_PROCESSING;
    case common::v1::DOSSIER_STATUS_RESULT_READY:
      return to == common::v1::DOSSIER_STATUS_RETURNED;
    default:
      return false;
  }
}

}  // namespace motcua::intake
