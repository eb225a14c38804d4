#include "services/intake/intake_service.h"

#include "common/service/serve.h"

namespace motcua::intake {

void AddIntakeService(rpc::Host& host, Intake& intake) {
  service::Serve(host, intake, &Intake::File);
  service::Serve(host, intake, &Intake::Accept);
  service::Serve(host, intake, &Intake::Refuse);
  service::Serve(host, intake, &Intake::ReturnResult);
  service::Serve(host, intake, &Intake::Rate);
  service::Serve(host, intake, &Intake::GetDossier);
  service::Serve(host, intake, &Intake::ListDossiers);
  service::Serve(host, intake, &Intake::LookUp);
  service::Serve(host, intake, &Intake::GetHistory);
  service::Serve(host, intake, &Intake::ApplyReference);
  service::Serve(host, intake, &Intake::GetReference);
  service::Serve(host, intake, &Intake::UploadReference);
  service::Serve(host, intake, &Intake::GetReferenceUpload);
  service::Serve(host, intake, &Intake::DropReferenceUpload);
  service::Serve(host, intake, &Intake::ListReferenceVersions);
  service::Serve(host, intake, &Intake::ListAgencies);
  service::Serve(host, intake, &Intake::ListOfficers);
  service::Serve(host, intake, &Intake::ListProcedures);
  service::Serve(host, intake, &Intake::ListCalendars);
  service::Serve(host, intake, &Intake::GetAgency);
  service::Serve(host, intake, &Intake::GetProcedure);
  service::Serve(host, intake, &Intake::ComputeDue);
  service::Serve(host, intake, &Intake::GetStatistics);
}

}  // namespace motcua::intake
