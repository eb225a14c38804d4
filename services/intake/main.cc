// motcua-intake: wiring only.
#include "common/service/main.h"

#include <memory>

#include "services/intake/calls/intake.h"
#include "services/intake/intake_service.h"
#include "services/intake/policy.h"
#include "services/intake/projections/dossier_retelling.h"
#include "services/intake/projections/progress_projection.h"

namespace motcua::intake {
namespace {

class IntakeProcess final : public service::Service {
 public:
  explicit IntakeProcess(service::Environment& environment)
      : loop_(environment.backend.loop()),
        retelling_(environment.backend.store(), environment.backend.catalogues()),
        intake_(environment.backend.store(), environment.backend.catalogues(),
                environment.backend.publisher()) {
    environment.backend.Retell(retelling_);
    AddIntakeService(environment.host, intake_);
    for (const std::string& source : environment.backend.description().sources) {
      environment.backend.Consume(source, progress_);
    }
  }

  async::Task<void> Run(async::CancelToken cancel) override {
    return intake_.KeepTidy(loop_, std::move(cancel));
  }

 private:
  async::Loop& loop_;
  ProgressProjection progress_;
  DossierRetelling retelling_;
  Intake intake_;
};

}  // namespace
}  // namespace motcua::intake

int main(int argc, char** argv) {
  using motcua::service::Description;
  // What routing and the monitor tell shows in the dossiers, but makes intake say nothing: its feed waits for none.
  Description description(
      "intake", "in", {"routing", "deadline-monitor"}, /*derives_events=*/false,
      motcua::store::Definition(1, {&motcua::store::KindOf<motcua::intake::DossierModel>()},
                                {motcua::intake::kOpenByVersion}));
  // Routing has finished it a moment ago.
  description.too_early = "NOT_FINISHED";
  return motcua::service::Main(argc, argv, std::move(description),
                               "Receives dossiers, promises dates, returns results, owns the reference data.",
                               motcua::intake::AllowIntake, {}, [](motcua::service::Environment& environment) {
                                 std::unique_ptr<motcua::service::Service> process =
                                     std::make_unique<motcua::intake::IntakeProcess>(environment);
                                 return absl::StatusOr<std::unique_ptr<motcua::service::Service>>(std::move(process));
                               });
}
