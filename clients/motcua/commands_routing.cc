#include "clients/motcua/commands.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {

void AddRoutingCommands(Program& program) {
  using namespace routing::v1;  // only request types are named here
  AddCalls(program, program.settings().Say("Luân chuyển", "Routing"), {
      {"offer", "Chuyển hồ sơ (bàn giao)", "Offer the dossier to another agency", OfferHandOverRequest::descriptor(),
       {"dossier"}, "", {}, "motcua offer H30.18.05-260714-0001 --to H30.18.DK --as H30.18.05-handler@H30.18.05:handler"},
      {"take", "Nhận bàn giao", "Take over what was offered", AcceptHandOverRequest::descriptor(), {"dossier"}, "", {},
       "motcua take H30.18.05-260714-0001 --as H30.18.DK-handler@H30.18.DK:handler"},
      {"refuse-handover", "Từ chối nhận bàn giao", "Refuse what was offered; the sender goes on holding",
       RefuseHandOverRequest::descriptor(), {"dossier", "reason"}, "", {},
       "motcua refuse-handover H30.18.05-260714-0001 'Không đúng thẩm quyền' --as H30.18.DK-handler@H30.18.DK:handler"},
      {"recall", "Rút lại bàn giao", "Take the own offer back", RecallHandOverRequest::descriptor(), {"dossier"}, "", {},
       "motcua recall H30.18.05-260714-0001 --as H30.18.05-handler@H30.18.05:handler"},
      {"assign", "Phân công thụ lý", "Assign an officer", AssignRequest::descriptor(), {"dossier", "officer"}, "", {},
       "motcua assign H30.18.05-260714-0001 H30.18.DK-handler --as H30.18.DK-leader@H30.18.DK:leader"},
      {"work", "Ghi việc đã làm", "Record a piece of work done", CompleteWorkRequest::descriptor(), {"dossier", "activity"}, "",
       {}, "motcua work H30.18.05-260714-0001 'Thẩm tra hồ sơ' --as H30.18.DK-handler@H30.18.DK:handler"},
      {"consult", "Lấy ý kiến phối hợp", "Ask other agencies in parallel", ConsultRequest::descriptor(), {"dossier", "agencies"},
       "", {}, "motcua consult H30.18.05-260714-0001 H30.18.TM H30.18.TH --question 'Nguồn gốc đất?' --limit 2wd "
       "--as H30.18.DK-handler@H30.18.DK:handler"},
      {"answer", "Trả lời ý kiến", "Answer a consultation", AnswerConsultationRequest::descriptor(),
       {"dossier", "consultation", "answer"}, "", {},
       "motcua answer H30.18.05-260714-0001 1 'Đồng ý' --as H30.18.TM-handler@H30.18.TM:handler"},
      {"supplement request", "Yêu cầu bổ sung; đồng hồ dừng", "Ask the applicant for a supplement; the clock stops",
       RequestSupplementRequest::descriptor(), {"dossier", "reason"}, "", {},
       "motcua supplement request H30.18.05-260714-0001 'Thiếu trích đo' --as H30.18.DK-handler@H30.18.DK:handler"},
      {"supplement receive", "Nhận bổ sung; đồng hồ chạy tiếp", "The supplement came; the clock resumes",
       ReceiveSupplementRequest::descriptor(), {"dossier"}, "", {},
       "motcua supplement receive H30.18.05-260714-0001 --as H30.18.05-intake@H30.18.05:intake"},
      {"finish", "Kết quả đã ký", "The result is signed and ready; the clock ends", FinishRequest::descriptor(),
       {"dossier", "outcome"}, "", {}, "motcua finish H30.18.05-260714-0001 approved --as H30.18.DK-leader@H30.18.DK:leader"},
      {"route", "Xem luồng xử lý", "Show the route of a dossier", GetRouteRequest::descriptor(), {"dossier"}, "", {},
       "motcua route H30.18.05-260714-0001"},
      {"inbox", "Việc chờ một cơ quan", "What waits for an agency, most urgent first", ListInboxRequest::descriptor(), {"agency"},
       "routes", {"dossier", "status", "procedure", "due.date", "holder", "offer.to", "officer"},
       "motcua inbox H30.18.DK --box offered"},
      {"custody", "Sổ giữ hồ sơ", "Who held it, from when to when", GetCustodyRequest::descriptor(), {"dossier"}, "lines",
       {"agency", "from", "to"}, "motcua custody H30.18.05-260714-0001"},
      {"route-history", "Nhật ký luân chuyển", "History in routing, with the check of its chain",
       GetHistoryRequest::descriptor(), {"dossier"}, "entries", {"at", "actor.id", "action", "status", "holder", "note"},
       "motcua route-history H30.18.05-260714-0001"},
      {"statistics routing", "Số liệu luân chuyển", "Counts of routes, hand-overs and work", GetStatisticsRequest::descriptor(),
       {"shard"}, "", {}, "motcua statistics routing H30"},
  });
}

}  // namespace motcua::client
