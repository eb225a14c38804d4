#include "clients/motcua/commands.h"
#include "motcua/deadline/v1/deadline.pb.h"

namespace motcua::client {

void AddDeadlineCommands(Program& program) {
  using namespace deadline::v1;  // only request types are named here
  AddCalls(program, program.settings().Say("Giám sát thời hạn", "Deadlines"),
           {
               {"clock",
                "Đồng hồ của hồ sơ",
                "Clock of a dossier: due date, time charged, parts",
                GetClockRequest::descriptor(),
                {"dossier"},
                "",
                {},
                "motcua clock H30.18.05-260714-0001"},
               {"clocks",
                "Hồ sơ theo hạn, gấp nhất trước",
                "Open dossiers by due date, soonest first",
                ListClocksRequest::descriptor(),
                {"agency"},
                "clocks",
                {"dossier", "procedure", "due.date", "holder", "held_since", "late"},
                "motcua clocks H30.18 --filter overdue"},
               {"change-due",
                "Thay đổi ngày hẹn trả",
                "Change the due date, with a reason",
                ChangeDueRequest::descriptor(),
                {"dossier", "date", "kind", "reason"},
                "",
                {},
                "motcua change-due H30.18.05-260714-0001 2026-09-15 agreed 'Chủ hồ sơ đề nghị' --as "
                "H30.18.05-intake@H30.18.05:intake"},
               {"clock-history",
                "Nhật ký đồng hồ",
                "History in the deadline monitor, with the check of its chain",
                GetHistoryRequest::descriptor(),
                {"dossier"},
                "entries",
                {"at", "actor.id", "action", "holder", "note"},
                "motcua clock-history H30.18.05-260714-0001"},
               {"statistics deadline",
                "Số liệu thời hạn",
                "Figures of lateness and time held, as of now",
                GetStatisticsRequest::descriptor(),
                {"shard"},
                "",
                {},
                "motcua statistics deadline H30"},
           });
}

}  // namespace motcua::client
