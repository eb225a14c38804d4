#include "common/status/messages_vi.h"

#include <algorithm>
#include <iterator>

namespace motcua::errors {
namespace {

struct Entry {
  std::string_view reason;
  std::string_view text;
};

// Sorted by reason.
constexpr Entry kTexts[] = {
    {"ADDRESS_NOT_LOOPBACK", "Dịch vụ chỉ được mở ra ngoài máy chủ khi đã bật xác thực hai chiều (mTLS)."},
    {"AGENCY_INACTIVE", "Cơ quan, đơn vị này không còn hoạt động."},
    {"ALREADY_ACCEPTED", "Hồ sơ đã được tiếp nhận trước đó."},
    {"ALREADY_ANSWERED", "Ý kiến phối hợp đã được trả lời trước đó."},
    {"ALREADY_ASSIGNED", "Hồ sơ đã được phân công cho cán bộ này."},
    {"ALREADY_OFFERED", "Hồ sơ đang chờ cơ quan khác nhận bàn giao."},
    {"ALREADY_RATED", "Hồ sơ đã được đánh giá trước đó."},
    {"AWAITING_SUPPLEMENT", "Hồ sơ đang chờ bổ sung giấy tờ."},
    {"BAD_PAGE_TOKEN", "Mã trang không hợp lệ. Xin tải lại danh sách từ đầu."},
    {"CALENDAR_MISSING", "Chưa có lịch làm việc của cơ quan cho thời gian này."},
    {"CANCELLED", "Yêu cầu đã được hủy."},
    {"CODE_SPACE_EXHAUSTED", "Đã hết số thứ tự hồ sơ trong ngày của đơn vị."},
    {"COMPETENCE_UNRESOLVED", "Chưa xác định được cơ quan có thẩm quyền giải quyết."},
    {"COMPONENT_MISSING", "Hồ sơ còn thiếu giấy tờ theo quy định của thủ tục."},
    {"COMPONENT_REPEATED", "Giấy tờ được kê nhiều lần. Xin ghi một lần kèm số lượng."},
    {"CONFLICT", "Hồ sơ vừa được người khác thay đổi. Xin tải lại và thử lại."},
    {"CONSULTATION_OPEN", "Còn ý kiến phối hợp chưa được trả lời."},
    {"CORRUPT_FEED", "Dòng sự kiện có dữ liệu không đọc được. Xin liên hệ người quản trị."},
    {"CORRUPT_RECORD", "Dữ liệu đã lưu không đọc được. Xin liên hệ người quản trị."},
    {"COUNTED_FROM_OUT_OF_WINDOW", "Thời điểm bắt đầu tính thời hạn nằm ngoài khoảng cho phép."},
    {"DEADLINE_EXCEEDED", "Yêu cầu quá thời gian chờ. Xin thử lại."},
    {"DOSSIER_ENDED", "Hồ sơ đã kết thúc, không thể thao tác tiếp."},
    {"DOSSIER_NOT_FOUND", "Không tìm thấy hồ sơ."},
    {"FEED_BEHIND", "Dòng sự kiện đã mất các sự kiện cuối. Xin đọc lại từ vị trí còn lưu."},
    {"FEED_EPOCH_UNKNOWN", "Hệ thống đang chuyển máy chủ dữ liệu. Xin thử lại sau giây lát."},
    {"FEED_TRIMMED", "Sự kiện cũ không còn được lưu. Xin đọc lại từ vị trí còn lưu."},
    {"FIELD_MALFORMED", "Mục này chưa đúng định dạng."},
    {"FIELD_NOT_ALLOWED", "Giá trị này không được phép ở đây."},
    {"FIELD_NOT_TEXT", "Mục này có ký tự không hợp lệ."},
    {"FIELD_OUT_OF_RANGE", "Giá trị nằm ngoài phạm vi cho phép."},
    {"FIELD_REQUIRED", "Mục này bắt buộc phải có."},
    {"FIELD_TOO_LONG", "Mục này quá dài."},
    {"FIELD_TOO_MANY_ITEMS", "Mục này có quá nhiều dòng."},
    {"FIELD_UNKNOWN_VALUE", "Giá trị không có trong danh sách cho phép."},
    {"HISTORY_FULL", "Hồ sơ đã có quá nhiều thao tác, không thể ghi thêm."},
    {"INTERNAL", "Lỗi hệ thống. Xin liên hệ người quản trị."},
    {"INVALID_REQUEST", "Thông tin gửi lên chưa hợp lệ. Xin kiểm tra lại các mục được nêu."},
    {"IN_THE_FUTURE", "Thời điểm không được nằm trong tương lai."},
    {"LIST_BEING_BUILT", "Danh sách mới đang được lập. Xin thử lại sau."},
    {"MESSAGE_NOT_FOUND", "Không tìm thấy thông báo."},
    {"METADATA_INVALID", "Thông tin kèm theo yêu cầu không hợp lệ."},
    {"NOT_ACCEPTED", "Hồ sơ chưa được tiếp nhận."},
    {"NOT_CAUGHT_UP", "Dữ liệu chưa được cập nhật tới thời điểm yêu cầu. Xin thử lại sau giây lát."},
    {"NOT_CONSULTED", "Cơ quan của ông/bà không được lấy ý kiến trong hồ sơ này."},
    {"NOT_FINISHED", "Hồ sơ chưa có kết quả giải quyết."},
    {"NOT_HOLDER", "Cơ quan của ông/bà hiện không giữ hồ sơ này."},
    {"NOT_OFFERED", "Hồ sơ không đang được bàn giao."},
    {"NOT_OFFERED_TO_YOU", "Hồ sơ không được bàn giao cho cơ quan của ông/bà."},
    {"NOT_OFFERER", "Chỉ cơ quan đã chuyển hồ sơ mới được thu hồi bàn giao."},
    {"NOT_READY", "Dịch vụ chưa sẵn sàng. Xin thử lại sau giây lát."},
    {"NOT_RECEIVABLE_HERE", "Cơ quan ở cấp này không tiếp nhận thủ tục."},
    {"NOT_RECEIVING_AGENCY", "Chỉ cơ quan tiếp nhận hồ sơ mới được thực hiện việc này."},
    {"NOT_RETURNED", "Kết quả chưa được trả cho người nộp."},
    {"NOT_SIMULATED", "Dịch vụ đang dùng giờ thật, không thể dịch chuyển thời gian."},
    {"NOT_YOUR_AGENCY", "Ông/bà không thuộc cơ quan, đơn vị này."},
    {"NOT_YOUR_CONSUMER", "Tên này thuộc một dịch vụ khác."},
    {"NOT_YOUR_JURISDICTION", "Hồ sơ thuộc địa bàn khác."},
    {"NOT_YOUR_UPLOAD", "Bản tải lên này của cán bộ khác."},
    {"NO_CREDENTIALS", "Xin đăng nhập để thực hiện."},
    {"NO_DUE_DATE", "Hồ sơ không có ngày hẹn trả kết quả."},
    {"NO_NEXT_LEG", "Quy trình không còn bước tiếp theo."},
    {"NO_RANDOMNESS", "Máy chủ chưa cấp được mã tra cứu. Xin thử lại sau giây lát."},
    {"NO_SNAPSHOT", "Dịch vụ không có bản chụp dữ liệu để nhận lại."},
    {"NO_SUPPLEMENT_REQUESTED", "Hồ sơ không đang chờ bổ sung giấy tờ."},
    {"OUTCOME_UNKNOWN", "Chưa rõ thao tác đã được ghi nhận hay chưa. Xin gửi lại cùng mã yêu cầu."},
    {"PEER_UNAVAILABLE", "Dịch vụ liên quan tạm thời không liên lạc được. Xin thử lại sau."},
    {"POSITION_UNKNOWN", "Thao tác được nhắc tới chưa từng được ghi nhận."},
    {"PROCEDURE_NOT_IN_FORCE", "Thủ tục hành chính không có hiệu lực vào ngày này."},
    {"RECORD_NEWER", "Hồ sơ đã được phiên bản mới hơn của hệ thống ghi nhận. Xin thử lại."},
    {"REFERENCE_INVALID", "Dữ liệu danh mục chưa hợp lệ. Xin kiểm tra các dòng được nêu."},
    {"REFERENCE_TOO_LARGE", "Danh mục quá lớn để gửi một lần. Xin xem theo từng danh sách."},
    {"REQUEST_ID_REUSED", "Mã yêu cầu đã được dùng cho một nội dung khác."},
    {"REQUEST_TOO_LARGE", "Nội dung gửi lên quá lớn."},
    {"ROLE_NOT_ALLOWED", "Ông/bà không có quyền thực hiện chức năng này."},
    {"SELF_HAND_OVER", "Không thể bàn giao hồ sơ cho chính cơ quan đang giữ."},
    {"SHARD_BEING_UPGRADED", "Dữ liệu của địa bàn đang được nâng cấp. Xin thử lại sau giây lát."},
    {"SHARD_INHERITED", "Địa bàn đã được sáp nhập: danh mục được cập nhật ở địa bàn mới."},
    {"SHARD_TAKEN", "Địa bàn này đã thuộc địa bàn khác, không thể tiếp nhận."},
    {"SHARD_UPGRADED", "Địa bàn đã chuyển sang phiên bản mới của hệ thống. Xin thử lại."},
    {"SHUTTING_DOWN", "Dịch vụ đang dừng để bảo trì. Xin thử lại sau giây lát."},
    {"SNAPSHOT_LOST", "Bản chụp dữ liệu không còn dùng tiếp được. Xin nhận lại từ đầu."},
    {"STORE_AUTH", "Kho dữ liệu tạm thời không liên lạc được. Xin thử lại sau."},
    {"STORE_BUSY", "Kho dữ liệu đang quá tải. Xin thử lại sau giây lát."},
    {"STORE_DEADLINE", "Kho dữ liệu không trả lời kịp. Xin thử lại."},
    {"STORE_ERROR", "Kho dữ liệu gặp lỗi. Xin liên hệ người quản trị."},
    {"STORE_FULL", "Kho dữ liệu đã đầy. Xin liên hệ người quản trị."},
    {"STORE_NOT_ALLOWED", "Kho dữ liệu từ chối dịch vụ. Xin liên hệ người quản trị."},
    {"STORE_PROTOCOL", "Kho dữ liệu trả lời sai. Xin liên hệ người quản trị."},
    {"STORE_UNAVAILABLE", "Kho dữ liệu tạm thời không liên lạc được. Xin thử lại sau."},
    {"TOKEN_EXPIRED", "Phiên đăng nhập đã hết hạn. Xin đăng nhập lại."},
    {"TOKEN_INVALID", "Thông tin đăng nhập không hợp lệ."},
    {"TOO_MANY_CALLS", "Hệ thống đang quá tải. Xin thử lại sau giây lát."},
    {"TOO_MANY_CONSULTATIONS", "Hồ sơ đã lấy ý kiến quá số lần cho phép."},
    {"TOO_MANY_GUESSES", "Tra cứu sai quá nhiều lần. Xin thử lại sau."},
    {"TOO_MANY_HAND_OVERS", "Hồ sơ đã được bàn giao quá số lần cho phép."},
    {"TOO_MANY_REAPPOINTMENTS", "Hồ sơ đã được hẹn lại ngày trả kết quả, không thể hẹn lại lần nữa."},
    {"TOO_MANY_SUPPLEMENTS", "Hồ sơ đã được yêu cầu bổ sung quá số lần cho phép."},
    {"TOO_MANY_UPLOADS", "Đang có quá nhiều bản danh mục tải lên dở dang."},
    {"UNKNOWN_AGENCY", "Cơ quan, đơn vị không có trong danh mục."},
    {"UNKNOWN_CHANNEL", "Hình thức tiếp nhận không có trong danh mục."},
    {"UNKNOWN_CONSULTATION", "Không tìm thấy ý kiến phối hợp."},
    {"UNKNOWN_CONSUMER", "Không có hệ thống nào đọc dòng sự kiện này dưới tên đó."},
    {"UNKNOWN_METHOD", "Chức năng này không tồn tại."},
    {"UNKNOWN_OFFICER", "Cán bộ không có trong danh mục."},
    {"UNKNOWN_PROCEDURE", "Thủ tục hành chính không có trong danh mục."},
    {"UNKNOWN_SERVICE", "Không có dịch vụ này."},
    {"UNKNOWN_SHARD", "Địa bàn không có trong danh mục."},
    {"UNKNOWN_UPLOAD", "Không có bản tải lên này, hoặc đã áp dụng hay đã bỏ."},
    {"UNKNOWN_VERSION", "Phiên bản danh mục này không còn được lưu."},
    {"UNREACHABLE", "Không kết nối được với dịch vụ. Xin kiểm tra dịch vụ và đường truyền."},
    {"UPGRADE_SKIPS_DEFINITION",
     "Phiên bản này không đọc được dữ liệu đã lưu: cần cài phiên bản trung gian trước."},
    {"UPLOAD_INCOMPLETE", "Bản danh mục tải lên chưa đủ các phần."},
    {"UPLOAD_TOO_LARGE", "Bản danh mục tải lên quá lớn."},
    {"VERSION_MISMATCH", "Hồ sơ đã thay đổi so với bản ông/bà đang xem. Xin tải lại."},
    {"WAITING_FOR_INTAKE", "Hồ sơ đang được cập nhật từ bộ phận tiếp nhận. Xin thử lại sau giây lát."},
};

std::string_view General(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "Thông tin gửi lên chưa hợp lệ.";
    case absl::StatusCode::kNotFound:
      return "Không tìm thấy dữ liệu yêu cầu.";
    case absl::StatusCode::kAlreadyExists:
      return "Dữ liệu đã tồn tại.";
    case absl::StatusCode::kFailedPrecondition:
      return "Chưa đủ điều kiện để thực hiện thao tác này.";
    case absl::StatusCode::kAborted:
      return "Dữ liệu vừa thay đổi. Xin tải lại và thử lại.";
    case absl::StatusCode::kPermissionDenied:
      return "Ông/bà không có quyền thực hiện thao tác này.";
    case absl::StatusCode::kUnauthenticated:
      return "Xin đăng nhập để thực hiện.";
    case absl::StatusCode::kResourceExhausted:
      return "Hệ thống đang quá tải hoặc đã hết hạn mức. Xin thử lại sau.";
    case absl::StatusCode::kUnavailable:
      return "Dịch vụ tạm thời gián đoạn. Xin thử lại sau.";
    case absl::StatusCode::kDeadlineExceeded:
      return "Yêu cầu quá thời gian chờ. Xin thử lại.";
    case absl::StatusCode::kOutOfRange:
      return "Giá trị nằm ngoài phạm vi cho phép.";
    case absl::StatusCode::kCancelled:
      return "Yêu cầu đã được hủy.";
    case absl::StatusCode::kUnimplemented:
      return "Chức năng này không được hỗ trợ.";
    case absl::StatusCode::kDataLoss:
      return "Dữ liệu bị hỏng hoặc mất. Xin liên hệ người quản trị.";
    default:
      return "Lỗi hệ thống. Xin liên hệ người quản trị.";
  }
}

const Entry* Lookup(std::string_view reason) {
  auto found = std::lower_bound(std::begin(kTexts), std::end(kTexts), reason,
                                [](const Entry& entry, std::string_view key) { return entry.reason < key; });
  return found != std::end(kTexts) && found->reason == reason ? found : nullptr;
}

constexpr bool Sorted() {
  for (size_t i = 1; i < std::size(kTexts); ++i) {
    if (!(kTexts[i - 1].reason < kTexts[i].reason)) return false;
  }
  return true;
}
static_assert(Sorted(), "kTexts is searched by halves: keep it sorted by reason, without repeats");

}  // namespace

std::string_view TextVi(absl::StatusCode code, std::string_view reason) {
  const Entry* entry = Lookup(reason);
  return entry != nullptr ? entry->text : General(code);
}

bool HasTextVi(std::string_view reason) { return Lookup(reason) != nullptr; }

}  // namespace motcua::errors
