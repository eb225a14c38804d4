// Words of the contract, as officers know them.
#include <map>
#include <string>

#include "absl/strings/str_replace.h"
#include "clients/motcua/output.h"

namespace motcua::client {
namespace {

struct Words {
  const char* name;
  const char* vi;
  const char* en;
};

constexpr Words kWords[] = {
    {"code", "Mã hồ sơ", "Code"},
    {"dossier", "Hồ sơ", "Dossier"},
    {"version", "Phiên bản", "Version"},
    {"status", "Trạng thái", "Status"},
    {"procedure", "Thủ tục", "Procedure"},
    {"procedure_name", "Thủ tục", "Procedure"},
    {"reference_version", "Phiên bản danh mục", "Reference version"},
    {"receiving_agency", "Nơi tiếp nhận", "Received at"},
    {"receiving_agency_name", "Nơi tiếp nhận", "Received at"},
    {"competent_agency", "Cơ quan có thẩm quyền", "Competent agency"},
    {"channel", "Hình thức tiếp nhận", "Channel"},
    {"applicant", "Chủ hồ sơ", "Applicant"},
    {"name", "Tên", "Name"},
    {"id_number", "Số định danh", "Id number"},
    {"phone", "Điện thoại", "Phone"},
    {"address", "Địa chỉ", "Address"},
    {"email", "Thư điện tử", "E-mail"},
    {"language", "Ngôn ngữ", "Language"},
    {"subject", "Trích yếu", "Subject"},
    {"components", "Thành phần hồ sơ", "Papers"},
    {"count", "Số lượng", "Count"},
    {"form", "Loại bản", "Form"},
    {"submitted_at", "Nộp lúc", "Submitted"},
    {"code_issued_at", "Cấp mã lúc", "Code issued"},
    {"accepted_at", "Tiếp nhận lúc", "Accepted"},
    {"received_at", "Nhận lúc", "Received"},
    {"original_due", "Ngày hẹn ban đầu", "First promise"},
    {"due", "Ngày hẹn trả", "Due"},
    {"judged_due", "Hạn để đánh giá", "Judged by"},
    {"date", "Ngày", "Date"},
    {"appointment", "Giờ hẹn", "Appointment"},
    {"late_from", "Trễ từ", "Late from"},
    {"holder", "Đang giữ", "Holder"},
    {"holder_name", "Đang giữ", "Holder"},
    {"officer", "Người thụ lý", "Officer"},
    {"held_since", "Giữ từ", "Held since"},
    {"result_at", "Có kết quả lúc", "Result"},
    {"returned_at", "Trả kết quả lúc", "Returned"},
    {"refusal_reason", "Lý do từ chối", "Refusal"},
    {"rating", "Đánh giá", "Rating"},
    {"score", "Điểm", "Score"},
    {"comment", "Ý kiến", "Comment"},
    {"secret", "Mã tra cứu", "Secret"},
    {"at", "Lúc", "At"},
    {"agency", "Cơ quan", "Agency"},
    {"agencies", "Cơ quan", "Agencies"},
    {"from", "Từ", "From"},
    {"to", "Đến", "To"},
    {"action", "Việc", "Action"},
    {"actor", "Người thực hiện", "Actor"},
    {"id", "Mã", "Id"},
    {"note", "Ghi chú", "Note"},
    {"reason", "Lý do", "Reason"},
    {"legs", "Các bước", "Legs"},
    {"current_leg", "Bước hiện tại", "Current leg"},
    {"offer", "Đang chuyển giao", "Offer"},
    {"offered_at", "Chuyển lúc", "Offered"},
    {"consultations", "Lấy ý kiến", "Consultations"},
    {"number", "Số", "Number"},
    {"question", "Nội dung hỏi", "Question"},
    {"answer", "Trả lời", "Answer"},
    {"asked_at", "Hỏi lúc", "Asked"},
    {"answered_at", "Trả lời lúc", "Answered"},
    {"supplements", "Số lần bổ sung", "Supplements"},
    {"custody", "Quá trình giữ", "Custody"},
    {"ended_at", "Kết thúc lúc", "Ended"},
    {"started_at", "Bắt đầu lúc", "Started"},
    {"done_at", "Xong lúc", "Done"},
    {"outcome", "Kết quả", "Outcome"},
    {"limit", "Thời hạn", "Limit"},
    {"late", "Trễ hạn", "Late"},
    {"apology_due", "Phải xin lỗi", "Apology due"},
    {"paused_at", "Tạm dừng từ", "Paused since"},
    {"parts", "Các thời hạn thành phần", "Parts"},
    {"item", "Mục", "Item"},
    {"charges", "Thời gian đã giữ", "Charges"},
    {"as_of", "Tính đến", "As of"},
    {"total", "Tổng số", "Total"},
    {"messages", "Thông báo", "Messages"},
    {"trace", "Mã vết", "Trace"},
    {"recipient", "Người nhận", "Recipient"},
    {"event", "Sự việc", "Event"},
    {"body", "Nội dung", "Body"},
    {"read_at", "Đã đọc lúc", "Read"},
    {"service", "Dịch vụ", "Service"},
    {"ready", "Sẵn sàng", "Ready"},
    {"now", "Bây giờ", "Now"},
    {"watermark", "Mốc", "Watermark"},
    {"position", "Vị trí", "Position"},
    {"verified", "Chuỗi băm đúng", "Chain verified"},
    {"entries", "Các dòng", "Entries"},
    {"lines", "Các dòng", "Lines"},
    {"shard", "Địa phương", "Shard"},
    {"written", "Đã ghi", "Written"},
    {"replayed", "Đã thực hiện trước đó", "Done before"},
    {"feed_position", "Vị trí sự kiện", "Feed position"},
    {"dossiers", "Hồ sơ", "Dossiers"},
    {"open", "Đang giải quyết", "Open"},
    {"open_overdue", "Đang giải quyết, quá hạn", "Open and overdue"},
    {"ended", "Đã xong", "Ended"},
    {"ended_late", "Đã xong, trễ hạn", "Ended late"},
    {"held", "Đang giữ", "Held"},
    {"offered", "Chờ nhận", "Offered"},
    {"consulted", "Được hỏi ý kiến", "Consulted"},
    {"waiting", "Chờ bổ sung", "Waiting"},
    {"clocks", "Đồng hồ", "Clocks"},
    {"hand_overs", "Bàn giao", "Hand-overs"},
    {"work_done", "Việc đã làm", "Work done"},
    {"work_refused", "Việc bị từ chối", "Work refused"},
    {"ever_overdue", "Từng quá hạn", "Ever overdue"},
    {"holding", "Đang giữ", "Holding"},
    {"legs_late", "Bước trễ", "Legs late"},
    {"kind", "Loại", "Kind"},
    {"activity", "Việc", "Activity"},
    // DossierStatus, by the national code.
    {"DOSSIER_STATUS_NEW", "1 Mới đăng ký", "1 new"},
    {"DOSSIER_STATUS_ACCEPTED", "2 Được tiếp nhận", "2 accepted"},
    {"DOSSIER_STATUS_REFUSED", "3 Không được tiếp nhận", "3 refused"},
    {"DOSSIER_STATUS_PROCESSING", "4 Đang xử lý", "4 processing"},
    {"DOSSIER_STATUS_SUPPLEMENT", "5 Yêu cầu bổ sung giấy tờ", "5 supplement awaited"},
    {"DOSSIER_STATUS_PAYMENT", "6 Yêu cầu thực hiện nghĩa vụ tài chính", "6 payment awaited"},
    {"DOSSIER_STATUS_WITHDRAWN", "7 Công dân yêu cầu rút hồ sơ", "7 withdrawn"},
    {"DOSSIER_STATUS_STOPPED", "8 Dừng xử lý", "8 stopped"},
    {"DOSSIER_STATUS_RESULT_READY", "9 Đã xử lý xong", "9 result ready"},
    {"DOSSIER_STATUS_RETURNED", "10 Đã trả kết quả", "10 returned"},
    {"OUTCOME_APPROVED", "chấp thuận", "approved"},
    {"OUTCOME_REJECTED", "từ chối", "rejected"},
    {"ALERT_KIND_NEARING", "sắp đến hạn", "nearing"},
    {"ALERT_KIND_DUE_TODAY", "đến hạn hôm nay", "due today"},
    {"ALERT_KIND_OVERDUE", "quá hạn", "overdue"},
    {"ALERT_KIND_ESCALATED", "quá hạn, báo cáo cấp trên", "escalated"},
    {"DUE_CHANGE_KIND_AGREED", "thỏa thuận", "agreed"},
    {"DUE_CHANGE_KIND_REAPPOINTMENT", "hẹn lại", "re-appointment"},
    {"DUE_CHANGE_KIND_PAUSE", "tạm dừng", "pause"},
};

}  // namespace

std::string Label(std::string_view name, bool english) {
  static const auto* const words = [] {
    auto* map = new std::map<std::string_view, const Words*>;
    for (const Words& word : kWords) map->emplace(word.name, &word);
    return map;
  }();
  const auto found = words->find(name);
  if (found != words->end()) return english ? found->second->en : found->second->vi;
  return absl::StrReplaceAll(std::string(name), {{"_", " "}});
}

}  // namespace motcua::client
