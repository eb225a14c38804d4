#include <iostream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/motcua/commands.h"
#include "clients/motcua/fields.h"
#include "common/reference/zone.h"
#include "common/time/timestamp.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::client {
namespace {

using admin::v1::AdvanceRequest;
using admin::v1::AdvanceResponse;
using admin::v1::GetStatusRequest;
using admin::v1::GetStatusResponse;

// The services that a command is about: one, or all that have an address.
std::vector<Service> Chosen(const Settings& settings, const std::string& name) {
  std::vector<Service> services;
  for (Service service : kServices) {
    if (name.empty() ? !settings.addresses[static_cast<size_t>(service)].empty() : name == NameOf(service))
      services.push_back(service);
  }
  return services;
}

absl::TimeZone DefaultZone() { return reference::FindTimeZone("").value_or(absl::UTCTimeZone()); }

int Status(Program& program, const std::string& name) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  const View view = program.ViewOf(DefaultZone());
  bool ready = true;
  const std::vector<Service> services = Chosen(program.settings(), name);
  if (services.empty())
    return program.Fail(absl::FailedPreconditionError("no service has an address: set MOTCUA_INTAKE ..."));
  for (Service service : services) {
    GetStatusResponse status;
    const absl::Status asked = session->Ask(service, GetStatusRequest(), status);
    if (!asked.ok()) {
      std::cerr << NameOf(service) << ": ";
      program.Fail(asked);
      ready = false;
      continue;
    }
    ready &= status.ready();
    if (program.settings().json) {
      std::cout << Json(status) << "\n";
    } else {
      PrintMessage(status, view, std::cout);
      std::cout << "\n";
    }
  }
  return ready ? kExitOk : kExitFailed;
}

int Health(Program& program, const std::string& name, const std::string& address, double seconds) {
  const Settings& settings = program.settings();
  const absl::Duration timeout = absl::Seconds(seconds);
  if (!address.empty()) return CheckHealth(settings, "", address, timeout);
  const std::vector<Service> services = Chosen(settings, name);
  bool healthy = !services.empty();
  for (Service service : services) {
    const std::string& known = settings.addresses[static_cast<size_t>(service)];
    healthy &= CheckHealth(settings, NameOf(service), known, timeout) == kExitOk;
  }
  if (services.empty()) {
    return program.Fail(
        absl::FailedPreconditionError("no service has an address: set MOTCUA_INTAKE ..., or give one"));
  }
  return healthy ? kExitOk : kExitFailed;
}

void AddHealth(Program& program, const std::string& group) {
  const Settings& settings = program.settings();
  CLI::App* health = program.Add("health", group, "Dịch vụ có đang phục vụ không (không cần thẻ)",
                                 "Whether a service is serving; needs no token; exit status 0 = serving",
                                 "motcua health 127.0.0.1:7001\n  motcua health --service routing");
  auto name = std::make_shared<std::string>();
  auto address = std::make_shared<std::string>();
  auto seconds = std::make_shared<double>(2);
  CLI::Option* by_address = health->add_option("address", *address, "host:port");
  health->add_option("--service", *name, settings.Say("Chỉ dịch vụ này", "Only this one"))
      ->check(CLI::IsMember(std::vector<std::string>(kServiceNames.begin(), kServiceNames.end())))
      ->excludes(by_address);
  health
      ->add_option("--timeout", *seconds, settings.Say("Giây chờ trả lời", "Seconds to wait for the answer"))
      ->check(CLI::Range(0.1, 60.0));
  program.OnRun(health,
                [&program, name, address, seconds] { return Health(program, *name, *address, *seconds); });
}

int Advance(Program& program, const std::string& to, const std::string& name, bool no_wait) {
  const absl::StatusOr<absl::Time> time = ParseTime(to, DefaultZone);
  if (!time.ok()) return program.Fail(time.status());
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  AdvanceRequest request;
  *request.mutable_to() = time::ToTimestamp(*time);
  request.set_no_wait(no_wait);
  for (Service service : Chosen(program.settings(), name)) {
    AdvanceResponse response;
    const absl::Status advanced = session->Ask(service, request, response);
    if (!advanced.ok()) return program.Fail(advanced);
    if (program.settings().json) {
      std::cout << Json(response) << "\n";
    } else {
      std::cout << NameOf(service) << ": " << Value(response, "now", program.ViewOf(DefaultZone())) << "\n";
    }
  }
  return kExitOk;
}

int Token(Program& program, const std::string& as, const std::string& lifetime) {
  absl::Duration duration;
  if (!absl::ParseDuration(lifetime, &duration) || duration <= absl::ZeroDuration() ||
      duration > absl::Hours(24 * 366)) {
    return program.Fail(
        absl::InvalidArgumentError(absl::StrCat("\"", lifetime, "\" is not a time such as 30m or 12h")));
  }
  const absl::StatusOr<auth::Principal> principal = ParsePrincipal(as);
  if (!principal.ok()) return program.Fail(principal.status());
  const absl::StatusOr<Identity> identity = Identity::Load(program.settings());
  if (!identity.ok()) return program.Fail(identity.status());
  const absl::StatusOr<std::string> token = identity->Mint(*principal, duration);
  if (!token.ok()) return program.Fail(token.status());
  if (program.settings().json) {
    std::cout << "{\"token\":\"" << *token << "\"}\n";
  } else {
    std::cout << *token << "\n";
  }
  return kExitOk;
}

void PrintEvent(const feed::v1::Event& event, const View& view, bool json) {
  if (json) {
    std::cout << Json(event) << std::endl;
    return;
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  event.GetReflection()->ListFields(event, &fields);
  std::string name;
  for (const auto* field : fields) {
    if (field->containing_oneof() != nullptr) name = field->message_type()->name();
  }
  std::cout << event.position() << "  " << Value(event, "at", view) << "  " << event.subject() << "  " << name
            << "  " << event.actor().id() << std::endl;
}

// What was read behind this position is lost, see ReadResponse.
void PrintEnded(const feed::v1::ReadRequest& request, const feed::v1::ReadResponse& step,
                const Settings& settings) {
  if (settings.json) {
    std::cout << Json(step) << std::endl;
    return;
  }
  const uint64_t kept = step.ended().position();
  std::cout << settings.Say("kỳ ", "epoch ") << step.ended().epoch() << settings.Say(" dừng ở ", " ended at ")
            << kept;
  if (request.after() > kept) {
    std::cout << settings.Say(": đã mất các vị trí ", ": lost are the positions ") << kept + 1 << " - "
              << request.after();
  }
  std::cout << std::endl;
}

int Feed(Program& program, const std::string& name, const feed::v1::ReadRequest& request, bool follow) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  const std::vector<Service> services =
      name.empty() ? std::vector<Service>() : Chosen(program.settings(), name);
  if (services.size() != 1)
    return program.Fail(
        absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a service with an address")));
  // Where the feed ends now.
  GetStatusResponse status;
  if (absl::Status asked = session->Ask(services[0], GetStatusRequest(), status); !asked.ok())
    return program.Fail(asked);
  uint64_t end = 0;
  uint64_t epoch = 0;
  for (const admin::v1::FeedStatus& feed : status.feeds()) {
    if (feed.shard() != request.shard()) continue;
    end = feed.position();
    epoch = feed.epoch();
  }
  const bool same_epoch = request.epoch() == 0 || request.epoch() == epoch;
  if (!follow && same_epoch && end <= request.after()) return kExitOk;
  const View view = program.ViewOf(session->ZoneOf(request.shard()));
  feed::v1::ReadResponse step;
  const absl::Status read = session->Stream(services[0], request, step, absl::Hours(24), [&] {
    if (step.has_ended()) PrintEnded(request, step, program.settings());
    for (const feed::v1::Event& event : step.events()) PrintEvent(event, view, program.settings().json);
    return follow || step.position() < end;
  });
  return read.ok() ? kExitOk : program.Fail(read);
}

// The one service that a command about consumers names; nullopt where it names none.
std::optional<Service> Named(const Settings& settings, const std::string& name) {
  const std::vector<Service> services = name.empty() ? std::vector<Service>() : Chosen(settings, name);
  return services.size() == 1 ? std::optional<Service>(services[0]) : std::nullopt;
}

int ListConsumers(Program& program, const std::string& name, const std::string& shard) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  std::vector<Service> services = Chosen(program.settings(), name);
  const View view = program.ViewOf(DefaultZone());
  std::vector<std::string> header;
  for (const char* column :
       {"service", "shard", "consumer", "position", "lag", "since", "moved_at", "bootstrapping"})
    header.push_back(Label(column, program.settings().english));
  Table table(std::move(header));
  for (Service service : services) {
    GetStatusResponse status;
    if (absl::Status asked = session->Ask(service, GetStatusRequest(), status); !asked.ok())
      return program.Fail(asked);
    for (const admin::v1::FeedStatus& feed : status.feeds()) {
      if (!shard.empty() && feed.shard() != shard) continue;
      feed::v1::ListConsumersRequest request;
      request.set_shard(feed.shard());
      feed::v1::ListConsumersResponse listed;
      if (absl::Status asked = session->Ask(service, request, listed); !asked.ok())
        return program.Fail(asked);
      for (const feed::v1::FeedConsumer& consumer : listed.consumers()) {
        if (program.settings().json) {
          std::cout << Json(consumer) << "\n";
          continue;
        }
        table.Add({NameOf(service), feed.shard(), consumer.consumer(), Value(consumer, "position", view),
                   Value(consumer, "lag", view), Value(consumer, "since", view),
                   Value(consumer, "moved_at", view),
                   consumer.bootstrapping() ? Value(consumer, "bootstrapping", view) : std::string()});
      }
    }
  }
  if (!program.settings().json) table.Print(std::cout);
  return kExitOk;
}

int RemoveConsumer(Program& program, const std::string& name,
                   const feed::v1::RemoveConsumerRequest& request) {
  const std::unique_ptr<Session> session = program.OpenSession();
  if (session == nullptr) return kExitFailed;
  const std::optional<Service> service = Named(program.settings(), name);
  if (!service.has_value())
    return program.Fail(
        absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a service with an address")));
  feed::v1::RemoveConsumerResponse response;
  if (absl::Status asked = session->Ask(*service, request, response); !asked.ok()) return program.Fail(asked);
  if (program.settings().json) {
    std::cout << Json(response) << "\n";
  } else {
    PrintMessage(response, program.ViewOf(DefaultZone()), std::cout);
  }
  return kExitOk;
}

void AddFeedConsumers(Program& program, const std::string& group) {
  const Settings& settings = program.settings();
  CLI::App* consumers =
      program.Add("feed consumers", group, "Ai đọc dòng sự kiện, đến đâu",
                  "Durable consumers of feeds: position, lag, since when; what they have not "
                  "applied is kept",
                  "motcua feed consumers\n  motcua feed consumers intake H30");
  auto name = std::make_shared<std::string>();
  auto shard = std::make_shared<std::string>();
  consumers->add_option("service", *name, settings.Say("Chỉ dịch vụ này", "Only this one"))
      ->check(CLI::IsMember(std::vector<std::string>(kServiceNames.begin(), kServiceNames.end())));
  consumers->add_option("shard", *shard, FlagHelp("shard", settings.english));
  program.OnRun(consumers, [&program, name, shard] { return ListConsumers(program, *name, *shard); });

  CLI::App* remove =
      program.Add("feed remove", group, "Thôi giữ sự kiện cho một hệ thống không còn đọc",
                  "Retire a durable consumer, so that the feed is trimmed without regard to it",
                  "motcua feed remove intake H30 old-portal");
  auto of = std::make_shared<std::string>();
  auto request = std::make_shared<feed::v1::RemoveConsumerRequest>();
  remove->add_option("service", *of, "intake, routing, deadline-monitor, notification")->required();
  remove
      ->add_option_function<std::string>(
          "shard", [request](const std::string& t) { request->set_shard(t); },
          FlagHelp("shard", settings.english))
      ->required();
  remove
      ->add_option_function<std::string>(
          "consumer", [request](const std::string& t) { request->set_consumer(t); },
          settings.Say("Tên hệ thống đọc", "Name of the consumer"))
      ->required();
  program.OnRun(remove, [&program, of, request] { return RemoveConsumer(program, *of, *request); });
  consumers->get_parent()->require_subcommand(0, 1);
}

void AddFeed(Program& program, const std::string& group) {
  const Settings& settings = program.settings();
  CLI::App* feed =
      program.Add("feed", group, "Đọc dòng sự kiện của một dịch vụ", "Read the events of a service",
                  "motcua feed intake H30 --after 100\n  motcua feed deadline-monitor H30 --follow --json\n"
                  "  motcua feed intake H30 --after 100 --epoch 1784000000000");
  auto request = std::make_shared<feed::v1::ReadRequest>();
  auto name = std::make_shared<std::string>();
  auto follow = std::make_shared<bool>(false);
  // Not required, because the commands below it have their own; Feed says what is missing.
  feed->add_option("service", *name, "intake, routing, deadline-monitor, notification");
  feed->add_option_function<std::string>(
      "shard", [request](const std::string& t) { request->set_shard(t); },
      FlagHelp("shard", settings.english));
  feed->add_option_function<uint64_t>(
      "--after", [request](uint64_t n) { request->set_after(n); },
      settings.Say("Sau vị trí này", "After this position"));
  feed->add_option_function<uint64_t>(
      "--epoch", [request](uint64_t n) { request->set_epoch(n); },
      settings.Say("Kỳ của vị trí đó: báo những gì đã mất từ đó",
                   "The epoch of that position: what was lost since is told"));
  feed->add_option_function<std::vector<std::string>>(
      "--subjects",
      [request](const std::vector<std::string>& subjects) {
        for (const std::string& subject : subjects) request->add_subjects(subject);
      },
      settings.Say("Chỉ các hồ sơ này", "Only of these dossiers"));
  feed->add_flag("--follow", *follow,
                 settings.Say("Chờ sự kiện mới, đến khi Ctrl-C", "Wait for more, until Ctrl-C"));
  program.OnRun(feed, [&program, request, name, follow] { return Feed(program, *name, *request, *follow); });
  AddFeedConsumers(program, group);
}

}  // namespace

void AddSystemCommands(Program& program) {
  const Settings& settings = program.settings();
  const std::string group = settings.Say("Vận hành", "Operation");
  CLI::App* status =
      program.Add("status", group, "Tình trạng các dịch vụ",
                  "State of the services; exit status 0 = all ready", "motcua status --service intake");
  auto name = std::make_shared<std::string>();
  status->add_option("--service", *name, settings.Say("Chỉ dịch vụ này", "Only this one"))
      ->check(CLI::IsMember(std::vector<std::string>(kServiceNames.begin(), kServiceNames.end())));
  program.OnRun(status, [&program, name] { return Status(program, *name); });

  AddHealth(program, group);

  CLI::App* advance = program.Add("advance", group, "Đặt thời gian mô phỏng",
                                  "Move simulated time forward, all services in their order",
                                  "motcua advance 2026-07-14T08:00");
  auto to = std::make_shared<std::string>();
  auto advanced = std::make_shared<std::string>();
  auto no_wait = std::make_shared<bool>(false);
  advance->add_option("time", *to, "2026-07-14T08:00")->required();
  advance->add_option("--service", *advanced, settings.Say("Chỉ dịch vụ này", "Only this one"))
      ->check(CLI::IsMember(std::vector<std::string>(kServiceNames.begin(), kServiceNames.end())));
  advance->add_flag("--no-wait", *no_wait, settings.Say("Không chờ", "Do not wait until it has caught up"));
  program.OnRun(advance,
                [&program, to, advanced, no_wait] { return Advance(program, *to, *advanced, *no_wait); });

  CLI::App* token = program.Add("token", group, "Tạo thẻ cho cán bộ (môi trường phát triển)",
                                "Mint a token for an officer (development)",
                                "motcua token H30.18.05-intake@H30.18.05:intake --for 12h");
  auto officer = std::make_shared<std::string>();
  auto lifetime = std::make_shared<std::string>("30m");
  token->add_option("officer", *officer, "officer-id@agency:role,role")->required();
  token->add_option("--for", *lifetime, settings.Say("Thời hạn của thẻ", "How long it holds"));
  program.OnRun(token, [&program, officer, lifetime] { return Token(program, *officer, *lifetime); });
  AddFeed(program, group);
}

}  // namespace motcua::client
