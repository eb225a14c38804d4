#include "clients/motcua/commands.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::client {

void AddIntakeCommands(Program& program) {
  using namespace intake::v1;  // only request types are named here
  AddCalls(program, program.settings().Say("Tiếp nhận", "Intake"), {
      {"file", "Nhận hồ sơ, cấp mã", "File an application and issue its code", FileRequest::descriptor(),
       {"receiving_agency", "procedure"}, "", {},
       "motcua file H30.18.05 1.001193 --name 'Nguyễn Văn A' --accept --components 'Tờ khai đăng ký khai sinh' "
       "--as H30.18.05-intake@H30.18.05:intake"},
      {"accept", "Tiếp nhận hồ sơ, hẹn ngày trả", "Accept a filed dossier and promise the date", AcceptRequest::descriptor(),
       {"dossier"}, "", {}, "motcua accept H30.18.05-260714-0001 --as H30.18.05-intake@H30.18.05:intake"},
      {"refuse", "Từ chối tiếp nhận", "Refuse a filed dossier", RefuseRequest::descriptor(), {"dossier", "reason"}, "", {},
       "motcua refuse H30.18.05-260714-0001 'Thiếu giấy tờ' --as H30.18.05-intake@H30.18.05:intake"},
      {"return", "Trả kết quả", "Hand the result out", ReturnResultRequest::descriptor(), {"dossier"}, "", {},
       "motcua return H30.18.05-260714-0001 --mode desk --as H30.18.05-returner@H30.18.05:returner"},
      {"rate", "Đánh giá", "Rate the service", RateRequest::descriptor(), {"dossier", "score"}, "", {},
       "motcua rate H30.18.05-260714-0001 3 --secret 7KQ2M9XA"},
      {"get", "Xem hồ sơ", "Show a dossier", GetDossierRequest::descriptor(), {"dossier"}, "", {},
       "motcua get H30.18.05-260714-0001"},
      {"list", "Hồ sơ của một nơi tiếp nhận", "Dossiers of a receiving agency, newest first", ListDossiersRequest::descriptor(),
       {"agency"}, "dossiers", {"code", "status", "procedure", "due.date", "holder", "applicant.name"},
       "motcua list H30.18.05 --status processing"},
      {"lookup", "Tra cứu công khai", "Public look-up by code and secret", LookUpRequest::descriptor(), {"dossier", "secret"},
       "", {}, "motcua lookup H30.18.05-260714-0001 7KQ2M9XA"},
      {"history", "Nhật ký ở khâu tiếp nhận", "History in intake, with the check of its chain", GetHistoryRequest::descriptor(),
       {"dossier"}, "entries", {"at", "actor.id", "action", "status", "holder", "note"},
       "motcua history H30.18.05-260714-0001"},
      {"statistics intake", "Số liệu tiếp nhận", "Counts of dossiers", GetStatisticsRequest::descriptor(), {"shard"}, "", {},
       "motcua statistics intake H30"},
  });
}

}  // namespace motcua::client
