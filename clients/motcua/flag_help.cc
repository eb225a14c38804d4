// What each flag is, in one line.
#include <map>

#include "absl/strings/str_replace.h"
#include "clients/motcua/commands.h"

namespace motcua::client {
namespace {

struct Help {
  const char* name;
  const char* vi;
  const char* en;
};

constexpr Help kHelp[] = {
    {"request-id", "Mã yêu cầu, để gửi lại mà không làm hai lần (mặc định: ngẫu nhiên)",
     "Id of the request: sent again it has no second effect (default: random)"},
    {"expected-version", "Chỉ làm nếu hồ sơ vẫn ở phiên bản này",
     "Act only if the dossier is still of this version"},
    {"dossier", "Mã số hồ sơ", "Dossier code, such as H30.18.05-260714-0001"},
    {"receiving-agency", "Cơ quan tiếp nhận", "Agency that receives it"},
    {"agency", "Mã cơ quan", "Agency id, such as H30.18.05"},
    {"agencies", "Các cơ quan được hỏi", "Agencies to ask"},
    {"procedure", "Mã thủ tục", "Procedure code, such as 1.013992"},
    {"channel", "Hình thức tiếp nhận", "Channel of receipt (default: the first direct one)"},
    {"name", "Họ tên chủ hồ sơ", "Name of the applicant"},
    {"id-number", "Số định danh", "Id number of the applicant"},
    {"phone", "Điện thoại", "Phone of the applicant"},
    {"email", "Thư điện tử", "E-mail address"},
    {"address", "Địa chỉ", "Address of the applicant"},
    {"language", "Ngôn ngữ thông báo: vi hoặc en", "Language of messages: vi or en"},
    {"subject", "Trích yếu", "What it is about"},
    {"components", "Giấy tờ: tên[:số lượng[:loại bản]], có thể nhiều lần",
     "Papers: name[:count[:form]], may be repeated"},
    {"submitted-at", "Thời điểm nộp: 2025-01-24T15:30", "When it was submitted: 2025-01-24T15:30"},
    {"counted-from", "Thời điểm bắt đầu tính hạn, nếu khác lúc nhận",
     "When the term begins, where not at the receipt"},
    {"accept", "Tiếp nhận ngay", "Accept at once"},
    {"reason", "Lý do", "Why"},
    {"mode", "Cách trả: desk, post, online", "How it is handed out: desk, post, online"},
    {"secret", "Mã tra cứu in trên giấy hẹn", "Secret printed on the slip"},
    {"score", "1 không hài lòng, 2 hài lòng, 3 rất hài lòng",
     "1 dissatisfied, 2 satisfied, 3 very satisfied"},
    {"comment", "Ý kiến", "Comment"},
    {"status", "Lọc theo trạng thái: new, accepted, processing ...",
     "Only of this status: new, accepted, processing ..."},
    {"page-size", "Số dòng một trang", "Lines of a page"},
    {"page-token", "Trang tiếp, từ next_page_token", "The next page, from next_page_token"},
    {"receiver", "Cơ quan nhận (mặc định: bước kế tiếp)",
     "Agency to hand over to (default: that of the next leg)"},
    {"note", "Ghi chú", "Note"},
    {"officer", "Mã cán bộ", "Officer's id"},
    {"activity", "Việc đã làm", "What was done"},
    {"question", "Nội dung hỏi", "The question"},
    {"limit", "Thời hạn: 3wd ngày làm việc, 15cd ngày, 4wh giờ làm việc",
     "Term: 3wd working days, 15cd calendar days, 4wh working hours"},
    {"consultation", "Số của lần hỏi ý kiến", "Number of the consultation"},
    {"answer", "Trả lời", "The answer"},
    {"outcome", "approved hoặc rejected", "approved or rejected"},
    {"box", "held, offered, consulted hoặc waiting", "held, offered, consulted or waiting"},
    {"filter", "open, nearing hoặc overdue", "open, nearing or overdue"},
    {"date", "Ngày cuối mới, 2025-02-06", "New last day, 2025-02-06"},
    {"kind", "agreed hoặc reappointment", "agreed or reappointment"},
    {"shard", "Địa phương (mã tỉnh), như H30", "Jurisdiction, such as H30"},
    {"recipient", "Cán bộ, agency:<mã>, hoặc applicant:<mã hồ sơ>",
     "Officer's id, agency:<id> or applicant:<dossier>"},
    {"unread-only", "Chỉ thông báo chưa đọc", "Unread messages only"},
    {"message", "Mã thông báo", "Id of the message"},
    {"webhook", "Địa chỉ nhận webhook", "URL that receives messages"},
    {"after", "Chỉ những gì sau mục này", "Only what came after this"},
    {"only-jurisdiction", "Chỉ địa phương và phiên bản", "Only the jurisdiction and the version"},
    {"under", "Chỉ cơ quan này và cấp dưới của nó", "Only this agency and those below it"},
    {"query", "Đầu mã, hoặc đầu một từ trong tên; không cần dấu",
     "Beginning of the id or of a word of the name; without diacritics"},
    {"level", "central, province, district hoặc commune", "central, province, district or commune"},
    {"receivable-at", "Nhận ở cấp: central, province, district hoặc commune",
     "Received at: central, province, district or commune"},
    {"as-of", "Có hiệu lực vào ngày, 2026-07-14", "In force on this day, 2026-07-14"},
    {"version", "Phiên bản danh mục; mặc định: đang dùng",
     "Version of the reference data; default: in force"},
    {"role", "Vai trò: intake, handler, leader, returner, admin",
     "Role: intake, handler, leader, returner, admin"},
    {"sector", "Lĩnh vực", "Sector (lĩnh vực)"},
    {"upload", "Mã bản tải lên", "Id of the upload"},
    {"received-at", "Thời điểm nhận: 2025-01-24T15:30", "When it is received: 2025-01-24T15:30"},
};

}  // namespace

std::string FlagHelp(const std::string& field, bool english) {
  const std::string name = absl::StrReplaceAll(field, {{"_", "-"}});
  for (const Help& help : kHelp) {
    if (name == help.name) return english ? help.en : help.vi;
  }
  return "";
}

}  // namespace motcua::client
