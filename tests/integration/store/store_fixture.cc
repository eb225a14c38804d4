#include "tests/integration/store/store_fixture.h"

namespace motcua::store {

using async::Task;
using routing::v1::CompleteWorkRequest;

Task<absl::StatusOr<StoreTest::Response>> StoreTest::AddBy(Store& store, Caller caller, std::string id,
                                                           std::string request_id, uint32_t amount,
                                                           std::string box, uint64_t expected_version) {
  CompleteWorkRequest request;
  request.set_request_id(request_id);
  request.set_dossier(id);
  request.set_activity(std::to_string(amount));
  request.set_note(box);
  request.set_expected_version(expected_version);
  Decide<Ledger> decide = [&](const Ledger::Record* record, const Context& context) {
    return Ledger::Add(record, context, id, amount, box);
  };
  Answer<Ledger, Response> answer = [](const Ledger::Record& record, Response& response) {
    response.set_holder(record.route().holder());
  };
  co_return co_await Mutate<Ledger, CompleteWorkRequest, Response>(store, std::move(caller), request, "H30",
                                                                   id, std::move(decide), std::move(answer));
}

Task<absl::StatusOr<StoreTest::Response>> StoreTest::OpenBy(Store& store, Caller caller,
                                                            std::string request_id, uint32_t amount,
                                                            std::string sequence) {
  CompleteWorkRequest request;
  request.set_request_id(request_id);
  request.set_activity(std::to_string(amount));
  Name name = [&sequence](const Context&) -> absl::StatusOr<Naming> {
    return Naming(sequence, [&sequence](uint64_t number) -> absl::StatusOr<std::string> {
      return sequence + "-" + std::to_string(number);
    });
  };
  DecideNew<Ledger> decide = [amount](const std::string& id, const Context& context) {
    return Ledger::Add(nullptr, context, id, amount, "a");
  };
  Answer<Ledger, Response> answer = [](const Ledger::Record& record, Response& response) {
    response.set_holder(record.route().dossier());
  };
  co_return co_await Create<Ledger, CompleteWorkRequest, Response>(
      store, std::move(caller), request, "H30", std::move(name), std::move(decide), std::move(answer));
}

Task<absl::StatusOr<StoreTest::Response>> StoreTest::AddRefused(std::string request_id) {
  CompleteWorkRequest request;
  request.set_request_id(request_id);
  Decide<Ledger> decide = [](const Ledger::Record* record, const Context& context) {
    absl::StatusOr<Decision<Ledger::Record>> decision = Ledger::Add(record, context, kId, 1, "a");
    decision->refusal = errors::FailedPrecondition(
        "COUNTED", "no, and that was attempt " + std::to_string(decision->record.route().work_done()));
    return decision;
  };
  Answer<Ledger, Response> answer = [](const Ledger::Record&, Response&) {};
  co_return co_await Mutate<Ledger, CompleteWorkRequest, Response>(store_, Officer(), request, "H30", kId,
                                                                   std::move(decide), std::move(answer));
}

}  // namespace motcua::store
