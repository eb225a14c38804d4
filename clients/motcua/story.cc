#include "clients/motcua/story.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "clients/motcua/story_teller.h"
#include "common/reference/sample.h"
#include "common/time/timestamp.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::client {
namespace {

constexpr char kCommune[] = "H30.18.05";
constexpr char kRegistry[] = "H30.18.DK";
constexpr char kEnvironment[] = "H30.18.TM";
constexpr char kTax[] = "H30.18.TH";
constexpr char kDistrict[] = "H30.18";
constexpr char kProcedure[] = "1.013992";

class Story {
 public:
  explicit Story(StoryTeller& teller) : t_(teller) {}

  void Tell() {
    t_.Begin();
    File();
    Accept();
    HandOver(kCommune, kRegistry, 1, "registry-request");
    Work(kRegistry, t_.Say("Phân công, gửi phiếu xác nhận cho xã", "Sends the commune a form to confirm"));
    HandOver(kRegistry, kCommune, 2, "commune-confirm");
    Work(kCommune, t_.Say("Xác nhận hiện trạng sử dụng đất", "Confirms how the land is used"));
    HandOver(kCommune, kRegistry, 3, "registry-appraise");
    Consult();
    HandOver(kRegistry, kEnvironment, 2, "environment-appraise");
    Work(kEnvironment, t_.Say("Thẩm định nhu cầu sử dụng đất", "Appraises the need for the land"));
    HandOver(kEnvironment, kDistrict, 3, "sign");
    Work(kDistrict, t_.Say("Lãnh đạo ký quyết định", "The committee's leader signs the decision"));
    HandOver(kDistrict, kRegistry, 2, "registry-record");
    HandOver(kRegistry, kTax, 1, "tax-notice");
    Work(kTax, t_.Say("Xác định nghĩa vụ tài chính", "Works out what is to be paid"));
    HandOver(kTax, kCommune, 2, "tax-deliver");
    HandOver(kCommune, kRegistry, 1, "registry-finish");
    Nearing();
    Supplement();
    Overdue();
    Finish();
    Return();
    Rate();
    Account();
  }

 private:
  void File() {
    intake::v1::FileRequest request;
    request.set_request_id(NewRequestId());
    request.set_receiving_agency(kCommune);
    request.set_procedure(kProcedure);
    request.mutable_applicant()->set_name("Nguyễn Thị Hoa");
    request.mutable_applicant()->set_phone("0900000000");
    request.mutable_applicant()->set_language(t_.english() ? "en" : "vi");
    request.set_subject(
        t_.Say("Chuyển 300 m² đất vườn sang đất ở", "300 m² of garden to become building land"));
    for (const reference::v1::Procedure& procedure : reference::SampleCatalogue().set().procedures()) {
      if (procedure.code() != kProcedure) continue;
      for (const std::string& component : procedure.components())
        request.add_components()->set_name(component);
      break;
    }
    const auto filed = t_.Act<intake::v1::FileResponse>(request, kCommune, "intake");
    t_.set_dossier(filed.dossier().code());
    secret_ = filed.secret();
    t_.Expect(filed.dossier().status() == common::v1::DOSSIER_STATUS_NEW, "hồ sơ mới đăng ký",
              "the dossier is new");
    if (t_.ok()) std::cout << t_.Say("Hồ sơ ", "Dossier ") << t_.dossier() << "\n\n";
    t_.Tell(kCommune, t_.Say("nộp hồ sơ chuyển mục đích sử dụng đất, thủ tục 1.013992",
                             "filed: change of land use, procedure 1.013992"));
  }

  void Accept() {
    const auto accepted =
        t_.Act<intake::v1::AcceptResponse>(t_.About<intake::v1::AcceptRequest>(), kCommune, "intake");
    t_.Tell(kCommune, absl::StrCat(t_.Say("tiếp nhận, hẹn trả ", "accepted; the result is promised for "),
                                   t_.When(accepted.dossier().due().appointment())));
    t_.GoTo(t_.now() + absl::Minutes(1));
    const routing::v1::Route route = t_.Route();
    t_.Expect(route.holder() == kCommune, "xã đang giữ hồ sơ", "the commune holds the dossier");
    t_.Expect(t_.Clock().due().date() == accepted.dossier().due().date(), "đồng hồ theo ngày hẹn",
              "the clock runs to the promised date");
    t_.Expect(t_.Messages("DossierAccepted").size() == 1, "chủ hồ sơ được báo một lần",
              "the applicant is told once");
  }

  // `leg` must be at work afterwards.
  void HandOver(const char* from, const char* to, int working_days, const char* leg) {
    t_.Later(working_days, 9, 0);
    auto offer = t_.About<routing::v1::OfferHandOverRequest>();
    const auto offered = t_.Act<routing::v1::OfferHandOverResponse>(offer, from, "handler");
    t_.Expect(offered.holder() == from, "người gửi giữ đến khi bên nhận đồng ý",
              "the sender holds until the receiver accepts");
    t_.Tell(from, absl::StrCat(t_.Say("chuyển đến ", "offers it to "), to));
    t_.GoTo(t_.now() + absl::Minutes(45));
    t_.Expect(t_.Messages("HandOverOffered", absl::StrCat("agency:", to)).size() >= 1, "bên nhận được báo",
              "the receiver is told");
    const auto taken = t_.Act<routing::v1::AcceptHandOverResponse>(
        t_.About<routing::v1::AcceptHandOverRequest>(), to, "handler");
    t_.Expect(taken.holder() == to, "bên nhận giữ hồ sơ", "the receiver holds the dossier");
    const routing::v1::Route route = t_.Route();
    const int at = static_cast<int>(route.current_leg()) - 1;
    t_.Expect(at >= 0 && at < route.legs_size() && route.legs(at).id() == leg, "đúng bước của quy trình",
              "it is at the planned leg");
    t_.Tell(to, absl::StrCat(t_.Say("nhận bàn giao, bước ", "takes it over, leg "), leg));
  }

  void Work(const char* agency, const std::string& activity) {
    t_.GoTo(t_.now() + absl::Minutes(30));
    auto request = t_.About<routing::v1::CompleteWorkRequest>();
    request.set_activity(activity);
    t_.Act<routing::v1::CompleteWorkResponse>(request, agency, "handler");
    t_.Tell(agency, activity);
  }

  void Consult() {
    t_.Later(1, 8, 0);
    auto request = t_.About<routing::v1::ConsultRequest>();
    request.add_agencies(kEnvironment);
    request.add_agencies(kTax);
    request.set_question(t_.Say("Có ý kiến gì về thửa đất này?", "Any objection to this parcel?"));
    const auto asked = t_.Act<routing::v1::ConsultResponse>(request, kRegistry, "handler");
    t_.Expect(asked.consultations_size() == 2, "hai cơ quan được hỏi song song",
              "two agencies are asked in parallel");
    t_.Tell(kRegistry,
            absl::StrCat(t_.Say("lấy ý kiến song song ", "asks in parallel "), kEnvironment, ", ", kTax));
    const char* agencies[] = {kEnvironment, kTax};
    for (int i = 0; i < asked.consultations_size() && t_.ok(); ++i) {
      t_.Later(i, 14, 0);
      auto answer = t_.About<routing::v1::AnswerConsultationRequest>();
      answer.set_consultation(asked.consultations(i));
      answer.set_answer(t_.Say("Thống nhất", "No objection"));
      const auto answered = t_.Act<routing::v1::AnswerConsultationResponse>(answer, agencies[i], "handler");
      t_.Expect(answered.holder() == kRegistry, "hồ sơ vẫn ở nơi hỏi", "the dossier stays with the asker");
      t_.Tell(agencies[i], t_.Say("trả lời: thống nhất", "answers: no objection"));
    }
    Work(kRegistry, t_.Say("Thẩm tra hồ sơ", "Appraises the dossier"));
  }

  // Day by day until the system flags it.
  void Nearing() {
    for (int day = 0; day < 60 && t_.ok() && t_.Alerts(feed::v1::ALERT_KIND_NEARING).empty(); ++day)
      t_.Later(1, 8, 0);
    const auto alerts = t_.Alerts(feed::v1::ALERT_KIND_NEARING);
    t_.Expect(alerts.size() == 1, "báo sắp đến hạn đúng một lần", "it is flagged as nearing exactly once");
    const auto told = t_.Messages("Nearing", absl::StrCat(kRegistry, "-leader"));
    t_.Expect(told.size() == 1, "lãnh đạo nơi giữ được báo", "the holder's leader is told");
    t_.Expect(t_.Alerts(feed::v1::ALERT_KIND_OVERDUE).empty(), "chưa quá hạn", "it is not overdue yet");
    if (!t_.ok()) return;
    t_.Tell(kRegistry, absl::StrCat(t_.Say("SẮP ĐẾN HẠN, hẹn trả ", "NEARING its due date, "),
                                    t_.When(alerts[0].due().appointment())));
    t_.Remark(absl::StrCat(t_.When(told[0].at()), " -> ", told[0].recipient(), ": ", told[0].subject()));
  }

  void Supplement() {
    t_.Later(1, 8, 0);
    const std::string before = t_.Clock().due().date();
    auto request = t_.About<routing::v1::RequestSupplementRequest>();
    request.set_reason(
        t_.Say("Bổ sung biên lai nộp tiền sử dụng đất", "The receipt of the land use fee is missing"));
    t_.Act<routing::v1::RequestSupplementResponse>(request, kRegistry, "handler");
    t_.Tell(kRegistry, t_.Say("yêu cầu bổ sung, đồng hồ dừng", "asks for a supplement; the clock stops"));
    t_.Later(2, 9, 0);
    t_.Expect(t_.Clock().has_paused_at(), "đồng hồ đang dừng", "the clock stands still");
    t_.Act<routing::v1::ReceiveSupplementResponse>(t_.About<routing::v1::ReceiveSupplementRequest>(),
                                                   kCommune, "intake");
    t_.GoTo(t_.now() + absl::Minutes(1));
    const deadline::v1::Clock clock = t_.Clock();
    t_.Expect(!clock.has_paused_at() && clock.due().date() > before, "hạn được lùi",
              "the due date has moved");
    t_.Expect(t_.Messages("SupplementRequested").size() == 1, "chủ hồ sơ được báo", "the applicant is told");
    t_.Tell(kCommune, absl::StrCat(t_.Say("nhận bổ sung, hạn mới ", "receives the supplement; now due "),
                                   t_.When(clock.due().appointment())));
  }

  void Overdue() {
    const deadline::v1::Clock clock = t_.Clock();
    t_.GoTo(time::FromTimestamp(clock.due().late_from()) - absl::Seconds(1));
    t_.Expect(t_.Alerts(feed::v1::ALERT_KIND_OVERDUE).empty(), "trong ngày hẹn chưa quá hạn",
              "on the promised day it is not overdue");
    t_.Later(1, 8, 0);  // the morning after: the first working day that is late
    const auto alerts = t_.Alerts(feed::v1::ALERT_KIND_OVERDUE);
    t_.Expect(alerts.size() == 1, "báo quá hạn đúng một lần", "it is flagged as overdue exactly once");
    t_.Expect(t_.Messages("Overdue", absl::StrCat(kRegistry, "-leader")).size() == 1,
              "lãnh đạo nơi giữ được báo", "the holder's leader is told");
    const deadline::v1::Clock late = t_.Clock();
    t_.Expect(late.apology_due(), "phải gửi thư xin lỗi", "an apology is due");
    const auto apologies = t_.Messages("ApologyDue");
    t_.Expect(!apologies.empty(), "được nhắc xin lỗi", "somebody is told to apologise");
    t_.Tell(kRegistry, t_.Say("QUÁ HẠN, phải xin lỗi và hẹn lại", "OVERDUE; an apology is due"));
    for (const notification::v1::InboxMessage& message : apologies)
      t_.Remark(absl::StrCat(t_.When(message.at()), " -> ", message.recipient(), ": ", message.subject()));
  }

  void Finish() {
    t_.GoTo(t_.now() + absl::Hours(1));
    auto request = t_.About<routing::v1::FinishRequest>();
    request.set_outcome(feed::v1::OUTCOME_APPROVED);
    t_.Act<routing::v1::FinishResponse>(request, kRegistry, "leader");
    t_.GoTo(t_.now() + absl::Minutes(1));
    const deadline::v1::Clock clock = t_.Clock();
    t_.Expect(clock.has_ended_at() && clock.late(), "xong trễ hạn", "it ended late");
    t_.Expect(t_.Alerts(feed::v1::ALERT_KIND_OVERDUE).size() == 1, "vẫn chỉ báo quá hạn một lần",
              "it is still flagged as overdue once");
    t_.Tell(kRegistry, t_.Say("có kết quả, trễ một ngày", "the result is ready, a day late"));
    auto again = t_.About<routing::v1::CompleteWorkRequest>();
    again.set_activity("late work");
    routing::v1::CompleteWorkResponse response;
    if (!t_.ok()) return;
    const absl::Status refused = t_.session().Ask(
        Service::kRouting, again, response, absl::StrCat(kRegistry, "-handler@", kRegistry, ":handler"));
    t_.Expect(absl::IsFailedPrecondition(refused), "việc sau khi kết thúc bị từ chối",
              "work after the end is refused");
  }

  void Return() {
    t_.GoTo(t_.now() + absl::Hours(4));
    t_.Act<intake::v1::ReturnResultResponse>(t_.About<intake::v1::ReturnResultRequest>(), kCommune,
                                             "returner");
    const intake::v1::Dossier dossier =
        t_.Ask<intake::v1::GetDossierResponse>(t_.About<intake::v1::GetDossierRequest>()).dossier();
    t_.Expect(dossier.status() == common::v1::DOSSIER_STATUS_RETURNED, "đã trả kết quả",
              "the result is returned");
    t_.Tell(kCommune, t_.Say("trả kết quả cho chủ hồ sơ", "hands the result to the applicant"));
  }

  void Rate() {
    t_.GoTo(t_.now() + absl::Minutes(20));
    auto request = t_.About<intake::v1::RateRequest>();
    request.set_secret(secret_);
    request.set_score(2);
    request.set_comment(
        t_.Say("Trễ một ngày nhưng cán bộ tận tình", "A day late, but the officers were kind"));
    intake::v1::RateResponse response;
    if (!t_.ok()) return;
    const absl::Status rated = t_.session().AskAnonymously(Service::kIntake, request, response);
    if (!rated.ok()) return t_.Fail(absl::StrCat("Rate: ", std::string(rated.message())));
    t_.Tell("", t_.Say("chủ hồ sơ đánh giá: hài lòng", "the applicant rates: satisfied"));
    auto look = t_.About<intake::v1::LookUpRequest>();
    look.set_secret(secret_);
    intake::v1::LookUpResponse seen;
    const absl::Status looked = t_.session().AskAnonymously(Service::kIntake, look, seen);
    if (!looked.ok()) return t_.Fail(absl::StrCat("LookUp: ", std::string(looked.message())));
    t_.Expect(seen.status() == common::v1::DOSSIER_STATUS_RETURNED, "tra cứu công khai thấy đã trả",
              "the public look-up tells so");
  }

  // Who held it for how long, what was told; and that it all hangs together.
  void Account() {
    t_.GoTo(t_.now() + absl::Minutes(1));
    const auto ledger = t_.Ask<routing::v1::GetCustodyResponse>(t_.About<routing::v1::GetCustodyRequest>());
    const View view{t_.english(), t_.zone()};
    Table custody({t_.Say("Giữ hồ sơ", "Holder"), t_.Say("từ", "from"), t_.Say("đến", "to")});
    for (int i = 0; i < ledger.lines_size(); ++i) {
      const routing::v1::CustodyLine& line = ledger.lines(i);
      custody.Add({line.agency(), Value(line, "since", view), Value(line, "until", view)});
      t_.Expect(line.has_until() && (i == 0 || time::FromTimestamp(line.since()) ==
                                                   time::FromTimestamp(ledger.lines(i - 1).until())),
                "sổ giữ hồ sơ liền mạch", "the custody ledger has no gap");
    }
    const auto clock = t_.Ask<deadline::v1::GetClockResponse>(t_.About<deadline::v1::GetClockRequest>());
    Table charges({t_.Say("Cơ quan", "Agency"), t_.Say("đã giữ", "held")});
    for (const feed::v1::Charge& charge : clock.charges())
      charges.Add({charge.agency(), Value(charge, "held_micros", view)});
    const auto messages = t_.Ask<notification::v1::ListDossierMessagesResponse>(
        t_.About<notification::v1::ListDossierMessagesRequest>());
    Table told({t_.Say("Thông báo", "Message"), t_.Say("người nhận", "recipient"), ""});
    for (const notification::v1::InboxMessage& message : messages.messages()) {
      told.Add({Value(message, "at", view), message.recipient(), message.subject()});
    }
    CheckHistory<intake::v1::GetHistoryRequest, intake::v1::GetHistoryResponse>();
    CheckHistory<routing::v1::GetHistoryRequest, routing::v1::GetHistoryResponse>();
    CheckHistory<deadline::v1::GetHistoryRequest, deadline::v1::GetHistoryResponse>();
    if (!t_.ok()) return;
    std::cout << "\n";
    custody.Print(std::cout);
    std::cout << "\n";
    charges.Print(std::cout);
    std::cout << "\n";
    told.Print(std::cout);
    std::cout << "\n"
              << t_.Say("Mọi bước đúng như phải thế.", "Every step was as it should be.") << std::endl;
  }

  template <class Request, class Response>
  void CheckHistory() {
    const common::v1::History history = t_.Ask<Response>(t_.About<Request>()).history();
    t_.Expect(history.verified() && !history.entries().empty(), "chuỗi băm của nhật ký đúng",
              "the history's chain verifies");
  }

  StoryTeller& t_;
  std::string secret_;
};

}  // namespace

int TellStory(Program& program) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  if (!session->identity().can_sign()) {
    return program.Fail(
        absl::FailedPreconditionError("the story acts as many officers: set MOTCUA_SIGNING_KEY"));
  }
  StoryTeller teller(*session);
  Story(teller).Tell();
  return teller.ok() ? kExitOk : program.Fail(teller.status());
}

}  // namespace motcua::client
