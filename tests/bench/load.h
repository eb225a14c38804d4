// The load of the benchmark: a jurisdiction of its own, and what its officers do.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/auth/jwt_signer.h"
#include "common/rpc/client.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/feed/v1/feed.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::bench {

inline constexpr char kShard[] = "B01";
inline constexpr char kCommune[] = "B01.1";
inline constexpr char kDistrict[] = "B01.2";
inline constexpr char kRegistry[] = "B01.3";
// Works day and night, so that terms counted in hours end whenever the storm wants them to.
inline constexpr char kNight[] = "B01.4";
// One leg at the receiving agency; four legs over three agencies.
inline constexpr char kOneLeg[] = "bench-one";
inline constexpr char kFourLegs[] = "bench-four";
// A term of six minutes, see kNight.
inline constexpr char kSixMinutes[] = "bench-six-minutes";
// From the moment that such a term is counted from until the dossier is late.
inline constexpr absl::Duration kSixMinutesLate = absl::Minutes(7);

// The jurisdiction of the load, or another one like it.
reference::v1::ReferenceSet BenchReference(const std::string& shard = kShard);

// Codes of dossiers, some 20 bytes each: a million must not be what the client's memory is spent on.
class Codes {
 public:
  void Add(std::string_view code) {
    bytes_.append(code);
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  size_t size() const { return ends_.size(); }
  std::string operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return bytes_.substr(begin, ends_[i] - begin);
  }

 private:
  std::string bytes_;
  std::vector<uint32_t> ends_;
};

enum class Service { kIntake, kRouting, kDeadlineMonitor, kNotification };
inline constexpr Service kServices[] = {Service::kIntake, Service::kRouting, Service::kDeadlineMonitor,
                                        Service::kNotification};
const char* NameOf(Service service);

// The four services as the benchmark's officers see them. Confined to the loop but for construction and the
// clock. Made to cost little: tokens are given to the clients once, and deadlines follow the clock that the
// caller reads anyway.
class System {
 public:
  using Channels = std::map<Service, std::shared_ptr<grpc::Channel>>;

  System(rpc::Loop& loop, const auth::JwtSigner& signer, const Channels& channels);

  // Calls begun from now on end a minute after `now`, which the caller has read.
  void SetNow(absl::Time now) { deadline_ = now + absl::Minutes(1); }

  // Applies BenchReference and waits until every service has it.
  async::Task<absl::Status> Prepare(std::string shard);

  // Files and accepts; the code of the new dossier in `written.subject`.
  async::Task<absl::StatusOr<common::v1::Written>> FileAndAccept(const char* procedure);
  // At kNight, with the term counted from `counted_from`; adds the code.
  async::Task<absl::Status> FileSixMinutes(absl::Time counted_from, Codes* codes);
  async::Task<absl::Status> FileOne(Codes* codes);
  // The calls of a life. `after`: feed position of intake that routing must have read.
  async::Task<absl::Status> Assign(std::string dossier, uint64_t after);
  async::Task<absl::Status> Work(std::string dossier);
  async::Task<absl::StatusOr<common::v1::Written>> Finish(std::string dossier);
  async::Task<absl::Status> Get(std::string dossier);
  async::Task<absl::Status> HandOver(std::string dossier, const char* from, const char* to, uint64_t after);
  async::Task<absl::Status> Return(std::string dossier, uint64_t after);
  async::Task<absl::Status> Inbox();

  // A whole life: filed, accepted, four legs over three agencies, result, returned.
  async::Task<absl::Status> WholeLife();
  // Files and accepts, assigns, completes, gets.
  async::Task<absl::Status> FourCallLife();

  // Last positions of the feeds of the load's shard, by service.
  async::Task<absl::StatusOr<std::map<std::string, uint64_t>>> FeedEnds();
  // Dossiers of the load's shard for which OVERDUE was ever raised.
  async::Task<absl::StatusOr<uint64_t>> EverOverdue();
  // The alerts of the load's shard after a position, as an onlooker.
  rpc::StreamReader<feed::v1::ReadResponse> Alerts(uint64_t after);

  // Waits until every service has applied all there is in the feeds of the shard that it reads; gives up
  // where none has come on for `patience`. Then says how many events were left to apply.
  async::Task<absl::Status> CaughtUp(std::string shard, absl::Duration patience);

 private:
  // As an officer of `agency`, who may do everything there.
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> Ask(Service service, const char* agency, Request request,
                                            const char* after_service = "", uint64_t after = 0);
  using States = std::map<std::string, admin::v1::GetStatusResponse>;
  async::Task<absl::StatusOr<States>> AskStates();
  intake::v1::FileRequest NewFiling(const char* agency, const char* procedure);
  std::string NextRequestId();

  rpc::Loop& loop_;
  // By service and agency; no agency: that of an administrator of all jurisdictions.
  std::map<std::pair<Service, std::string_view>, rpc::Client> clients_;
  const std::string run_;
  uint64_t requests_ = 0;
  absl::Time deadline_ = absl::InfiniteFuture();
};

}  // namespace motcua::bench
