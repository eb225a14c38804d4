// One call: flags to request, reply to lines or JSON. The same for every row of the tables.
#include <iostream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/connection.h"
#include "clients/motcua/fields.h"

namespace motcua::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What the command line gave for each field.
struct Given {
  std::map<std::string, std::vector<std::string>> values;
  std::set<std::string> switches;
  std::map<std::string, bool> flags;
  bool all = false;
};

std::unique_ptr<Message> NewRequest(const google::protobuf::Descriptor* type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

const FieldDescriptor* FindText(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ? field : nullptr;
}

// Fills the request; a mutation without a request id gets a new one.
absl::Status Fill(const Given& given, Session& session, Message& request) {
  std::string problems;
  const auto zone = [&] { return session.ZoneOf(ShardOfRequest(request)); };
  for (const bool times : {false, true}) {  // times last: their zone depends on the other fields
    for (const auto& [path, values] : given.values) {
      const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(path);
      const bool is_time =
          field != nullptr && field->message_type() == google::protobuf::Timestamp::descriptor();
      if (is_time != times) continue;
      for (const std::string& value : values) {
        const absl::Status set = SetField(request, path, value, zone);
        if (!set.ok())
          absl::StrAppend(&problems, problems.empty() ? "" : "\n", path, ": ", std::string(set.message()));
      }
    }
  }
  for (const auto& [path, on] : given.flags) {
    if (on) SetField(request, path, "true", zone).IgnoreError();
  }
  if (!problems.empty()) return absl::InvalidArgumentError(problems);
  const FieldDescriptor* id = FindText(request, "request_id");
  if (id != nullptr && request.GetReflection()->GetString(request, id).empty()) {
    request.GetReflection()->SetString(&request, id, NewRequestId());
  }
  return absl::OkStatus();
}

void PrintList(const CallCommand& command, const Message& response, const View& view) {
  const FieldDescriptor* list = response.GetDescriptor()->FindFieldByName(command.list);
  std::vector<std::string> header;
  for (const char* column : command.columns) {
    const std::string path = column;
    header.push_back(
        Label(path.substr(path.find('.') == std::string::npos ? 0 : path.rfind('.') + 1), view.english));
    if (absl::StrContains(path, '.') && path != "due.date")
      header.back() = Label(path.substr(0, path.find('.')), view.english);
    if (path == "due.date") header.back() = Label("due", view.english);
  }
  Table table(header);
  const int size = response.GetReflection()->FieldSize(response, list);
  for (int i = 0; i < size; ++i) {
    const Message& item = response.GetReflection()->GetRepeatedMessage(response, list, i);
    std::vector<std::string> row;
    for (const char* column : command.columns) row.push_back(Value(item, column, view));
    table.Add(std::move(row));
  }
  table.Print(std::cout);
  Message& rest = const_cast<Message&>(response);
  rest.GetReflection()->ClearField(&rest, list);
  PrintMessage(rest, view, std::cout);
}

// What a reply that only wraps one thing is about: the dossier, the history ...
const Message& ContentOf(const Message& response) {
  if (response.GetDescriptor()->field_count() != 1) return response;
  const FieldDescriptor* only = response.GetDescriptor()->field(0);
  const bool wraps = only->message_type() != nullptr && !only->is_repeated() && only->name() != "written";
  return wraps ? response.GetReflection()->GetMessage(response, only) : response;
}

void PrintReply(const CallCommand& command, const Message& reply, Session& session, const Message& request) {
  const Message& response = ContentOf(reply);
  if (session.settings().json) {
    std::cout << Json(response) << "\n";
    return;
  }
  const View view{session.settings().english, session.ZoneOf(ShardOfRequest(request))};
  if (*command.list != '\0') {
    PrintList(command, response, view);
  } else if (response.ByteSizeLong() == 0) {
    std::cout << session.settings().Say("xong", "done") << "\n";
  } else {
    PrintMessage(response, view, std::cout);
  }
}

int RunCall(Program& program, const CallCommand& command, const Given& given) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  const std::unique_ptr<Message> request = NewRequest(command.request);
  if (absl::Status filled = Fill(given, *session, *request); !filled.ok()) return program.Fail(filled);
  while (true) {
    const std::unique_ptr<Message> response = NewResponse(command.request);
    const absl::Status status = session->Ask(ServiceOf(command.request), *request, *response);
    if (!status.ok()) return program.Fail(status);
    std::string next;
    if (const FieldDescriptor* token = FindText(*response, "next_page_token");
        token != nullptr && given.all) {
      next = response->GetReflection()->GetString(*response, token);
      response->GetReflection()->ClearField(response.get(), token);
    }
    PrintReply(command, *response, *session, *request);
    if (next.empty()) return kExitOk;
    request->GetReflection()->SetString(request.get(), FindText(*request, "page_token"), next);
  }
}

void AddFlags(Program& program, const CallCommand& command, CLI::App* app, Given& given) {
  const std::set<std::string> positionals(command.positionals.begin(), command.positionals.end());
  const bool english = program.settings().english;
  for (const char* name : command.positionals) {
    CLI::Option* option = app->add_option(name, given.values[name], FlagHelp(name, english))->required();
    const FieldDescriptor* field = command.request->FindFieldByName(name);
    // Values are kept in lists, which CLI11 would otherwise let swallow all words that follow.
    if (field == nullptr || !field->is_repeated()) option->expected(1)->allow_extra_args(false);
  }
  for (const FlagField& flag : FlagsOf(command.request)) {
    if (positionals.count(flag.path) > 0) continue;
    const std::string help = FlagHelp(flag.flag.substr(2), english);
    if (flag.boolean) {
      app->add_flag(flag.flag, given.flags[flag.path], help);
    } else {
      CLI::Option* option = app->add_option(flag.flag, given.values[flag.path], help);
      option->expected(1)->allow_extra_args(false);
      if (flag.repeated) option->take_all();
    }
  }
  if (command.request->FindFieldByName("page_token") != nullptr) {
    app->add_flag("--all", given.all, program.settings().Say("Mọi trang", "All pages, one after another"));
  }
}

}  // namespace

void AddCalls(Program& program, const std::string& group, const std::vector<CallCommand>& commands) {
  for (const CallCommand& command : commands) {
    CLI::App* app = program.Add(command.path, group, command.vi, command.en, command.example);
    auto given = std::make_shared<Given>();
    AddFlags(program, command, app, *given);
    program.OnRun(app, [&program, command, given] { return RunCall(program, command, *given); });
  }
}

}  // namespace motcua::client
