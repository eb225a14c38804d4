#include <iostream>

#include "clients/motcua/commands.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::client {
namespace {

using notification::v1::SubscribeRequest;
using notification::v1::SubscribeResponse;

int Watch(Program& program, const SubscribeRequest& request) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  const View view = program.ViewOf(session->ZoneOf(request.shard()));
  SubscribeResponse step;
  const absl::Status status = session->Stream(Service::kNotification, request, step, absl::Hours(24), [&] {
    if (!step.has_message()) return true;
    const notification::v1::InboxMessage& message = step.message();
    if (program.settings().json) {
      std::cout << Json(message) << std::endl;
    } else {
      std::cout << Value(message, "at", view) << "  " << message.subject() << "\n  " << message.body()
                << std::endl;
    }
    return true;
  });
  return status.ok() ? kExitOk : program.Fail(status);
}

}  // namespace

void AddNotificationCommands(Program& program) {
  using namespace notification::v1;  // only request types are named here
  const std::string group = program.settings().Say("Thông báo", "Messages");
  AddCalls(program, group,
           {
               {"messages",
                "Hộp thông báo của một người nhận",
                "Inbox of an agency or officer, newest first",
                ListMessagesRequest::descriptor(),
                {"shard", "recipient"},
                "messages",
                {"at", "event", "dossier", "subject", "read_at", "id"},
                "motcua messages H30 agency:H30.18.DK --unread-only"},
               {"message about",
                "Thông báo về một hồ sơ",
                "Messages about a dossier",
                ListDossierMessagesRequest::descriptor(),
                {"dossier"},
                "messages",
                {"at", "event", "recipient", "subject", "id"},
                "motcua message about H30.18.05-260714-0001"},
               {"message read",
                "Đánh dấu đã đọc",
                "Mark a message as read",
                MarkReadRequest::descriptor(),
                {"shard", "message"},
                "",
                {},
                "motcua message read H30 routing/H30/17/agency:H30.18.DK --as "
                "H30.18.DK-handler@H30.18.DK:handler"},
               {"preferences",
                "Nơi nhận thông báo",
                "Where messages go besides the in-app inbox; replaces both addresses",
                SetPreferencesRequest::descriptor(),
                {"shard", "recipient"},
                "",
                {},
                "motcua preferences H30 agency:H30.18.DK --email desk@example.org --webhook "
                "https://desk.example.org/hook"},
               {"statistics notification",
                "Số liệu thông báo",
                "Counts of messages and deliveries",
                GetStatisticsRequest::descriptor(),
                {"shard"},
                "",
                {},
                "motcua statistics notification H30"},
           });
  CLI::App* watch =
      program.Add("watch", group, "Theo dõi thông báo", "Follow messages as they come, until Ctrl-C",
                  "motcua watch H30 agency:H30.18.DK");
  auto request = std::make_shared<SubscribeRequest>();
  const bool english = program.settings().english;
  watch
      ->add_option_function<std::string>(
          "shard", [request](const std::string& t) { request->set_shard(t); }, FlagHelp("shard", english))
      ->required();
  watch
      ->add_option_function<std::string>(
          "recipient", [request](const std::string& t) { request->set_recipient(t); },
          FlagHelp("recipient", english))
      ->required();
  watch->add_option_function<std::string>(
      "--after", [request](const std::string& t) { request->set_after(t); }, FlagHelp("after", english));
  program.OnRun(watch, [&program, request] { return Watch(program, *request); });
}

}  // namespace motcua::client
