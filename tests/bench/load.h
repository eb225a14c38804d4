// The load of the benchmark: a jurisdiction of its own, and what its officers do.
#ifndef MOTCUA_TESTS_BENCH_LOAD_H_
#define MOTCUA_TESTS_BENCH_LOAD_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/auth/jwt_signer.h"
#include "common/rpc/client.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::bench {

inline constexpr char kShard[] = "B01";
inline constexpr char kCommune[] = "B01.1";
inline constexpr char kDistrict[] = "B01.2";
inline constexpr char kRegistry[] = "B01.3";
// One leg at the receiving agency; four legs over three agencies.
inline constexpr char kOneLeg[] = "bench-one";
inline constexpr char kFourLegs[] = "bench-four";

reference::v1::ReferenceSet BenchReference();

// The four services as the benchmark's officers see them. Confined to the loop but for construction.
class System {
 public:
  System(rpc::Loop& loop, const auth::JwtSigner& signer, std::map<std::string, std::shared_ptr<grpc::Channel>> channels);

  // Applies BenchReference and waits until every service has it.
  async::Task<absl::Status> Prepare();

  // Files and accepts; the code of the new dossier in `written.subject`.
  async::Task<absl::StatusOr<common::v1::Written>> FileAndAccept(std::string procedure);
  // The calls of a life. `after`: feed position of intake that routing must have read.
  async::Task<absl::Status> Assign(std::string dossier, uint64_t after);
  async::Task<absl::StatusOr<common::v1::Written>> Work(std::string dossier, uint64_t after = 0);
  async::Task<absl::StatusOr<common::v1::Written>> Finish(std::string dossier, std::string agency);
  async::Task<absl::Status> Get(std::string dossier);
  async::Task<absl::Status> HandOver(std::string dossier, std::string from, std::string to, uint64_t after);
  async::Task<absl::Status> Return(std::string dossier, uint64_t after);
  async::Task<absl::Status> Inbox(std::string agency);

  // A whole life: filed, accepted, four legs over three agencies, result, returned.
  async::Task<absl::Status> WholeLife();
  // Files and accepts, assigns, completes, gets.
  async::Task<absl::Status> FourCallLife();

  // Waits until every service has applied all there is in the feeds that it reads.
  async::Task<absl::Status> CaughtUp(absl::Duration patience);

 private:
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> Ask(std::string service, std::string agency, Request request,
                                            std::string after_service = "", uint64_t after = 0);
  std::string NextRequestId();

  rpc::Loop& loop_;
  std::map<std::string, std::string> tokens_;
  std::map<std::string, rpc::Client> clients_;
  const std::string run_;
  uint64_t requests_ = 0;
};

}  // namespace motcua::bench

#endif  // MOTCUA_TESTS_BENCH_LOAD_H_
