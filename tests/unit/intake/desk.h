// A desk without store: applies decisions to records as the store would, for tests of the domain.
#pragma once

#include <string>
#include <utility>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/dossier/completion.h"
#include "services/intake/domain/dossier/dossier_model.h"
#include "services/intake/domain/dossier/progress.h"
#include "services/intake/domain/receipt/acceptance.h"
#include "services/intake/domain/receipt/filing.h"
#include "tests/unit/intake/jurisdiction.h"

namespace motcua::intake::test {

inline constexpr char kCommune[] = "H30.18.05";
inline constexpr char kCode[] = "H30.18.05-250113-0001";
inline constexpr char kSecret[] = "ABC234";

// Monday 13 January 2025, 09:00.
inline absl::Time MondayMorning() { return Local(2025, 1, 13, 9, 0); }

inline store::Context At(absl::Time now, const std::string& agency = kCommune) {
  common::v1::Actor actor;
  actor.set_id("an");
  actor.set_agency(agency);
  return store::Context(now, actor);
}

inline v1::FileRequest Application(const std::string& procedure = "1.000001", bool accept = false) {
  v1::FileRequest request;
  request.set_request_id("request-1");
  request.set_receiving_agency(kCommune);
  request.set_procedure(procedure);
  request.mutable_applicant()->set_name("Nguyễn Văn A");
  request.mutable_applicant()->set_email("a@example.org");
  request.set_accept(accept);
  return request;
}

inline feed::v1::Event Routed(DossierStatus to, absl::Time at) {
  feed::v1::Event event;
  event.set_subject(kCode);
  *event.mutable_at() = time::ToTimestamp(at);
  switch (to) {
    case common::v1::DOSSIER_STATUS_PROCESSING:
      event.mutable_route_opened()->set_holder("H30.18.LR");
      break;
    case common::v1::DOSSIER_STATUS_SUPPLEMENT:
      event.mutable_supplement_requested()->set_reason("a paper is missing");
      break;
    default:
      event.mutable_result_ready()->set_outcome(feed::v1::OUTCOME_APPROVED);
  }
  return event;
}

// A dossier in the given status, made by decisions where a decision leads there.
inline internal::intake::DossierRecord DossierIn(DossierStatus status,
                                                 const reference::Catalogue& catalogue) {
  const bool accept = status != common::v1::DOSSIER_STATUS_NEW && status != common::v1::DOSSIER_STATUS_REFUSED;
  auto filed = DecideFile(Application("1.000001", accept), kCode, kSecret, At(MondayMorning()), catalogue,
                          Standing::kOwnAgency);
  internal::intake::DossierRecord record = filed.value().record;
  const auto follow = [&](DossierStatus to) {
    record = Follow(record, Routed(to, MondayMorning()), At(MondayMorning())).value().record;
  };
  switch (status) {
    case common::v1::DOSSIER_STATUS_REFUSED:
      record =
          DecideRefuse(&record, v1::RefuseRequest(), At(MondayMorning()), catalogue, Standing::kOwnAgency)
              .value()
              .record;
      break;
    case common::v1::DOSSIER_STATUS_PROCESSING:
      follow(status);
      break;
    case common::v1::DOSSIER_STATUS_SUPPLEMENT:
    case common::v1::DOSSIER_STATUS_RESULT_READY:
      follow(common::v1::DOSSIER_STATUS_PROCESSING);
      follow(status);
      break;
    case common::v1::DOSSIER_STATUS_RETURNED:
      follow(common::v1::DOSSIER_STATUS_PROCESSING);
      follow(common::v1::DOSSIER_STATUS_RESULT_READY);
      record = DecideReturn(&record, v1::ReturnResultRequest(), At(MondayMorning()), catalogue,
                            Standing::kOwnAgency)
                   .value()
                   .record;
      break;
    case common::v1::DOSSIER_STATUS_PAYMENT:
    case common::v1::DOSSIER_STATUS_WITHDRAWN:
    case common::v1::DOSSIER_STATUS_STOPPED:
      record.mutable_dossier()->set_status(status);
      break;
    default:
      break;
  }
  return record;
}

}  // namespace motcua::intake::test
