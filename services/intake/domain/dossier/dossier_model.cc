#include "services/intake/domain/dossier/dossier_model.h"

#include <charconv>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/time/timestamp.h"
#include "services/intake/domain/code/dossier_code.h"

namespace motcua::intake {
namespace {

constexpr char kOfAgency[] = "a:";
constexpr char kByStatus[] = "s:";
constexpr char kByChannel[] = "c:";
constexpr char kByRating[] = "r:";

// A number's decimal digits, without an allocation.
class NumberText {
 public:
  explicit NumberText(uint32_t number)
      : end_(std::to_chars(digits_, digits_ + sizeof(digits_), number).ptr) {}
  std::string_view view() const { return std::string_view(digits_, static_cast<size_t>(end_ - digits_)); }

 private:
  char digits_[10];
  const char* const end_;
};

bool IsOpen(DossierStatus status) {
  return status != common::v1::DOSSIER_STATUS_REFUSED && status != common::v1::DOSSIER_STATUS_WITHDRAWN &&
         status != common::v1::DOSSIER_STATUS_STOPPED && status != common::v1::DOSSIER_STATUS_RETURNED;
}

// The number behind the prefix, or -1.
int NumberOf(std::string_view field) {
  int number = -1;
  return absl::SimpleAtoi(std::string(field.substr(2)), &number) ? number : -1;
}

}  // namespace

std::string AgencyIndex(std::string_view agency, DossierStatus status) {
  std::string index(kOfAgency);
  index.append(agency);
  if (status != common::v1::DOSSIER_STATUS_UNSPECIFIED)
    absl::StrAppend(&index, ":", static_cast<int>(status));
  return index;
}

void DossierModel::IndexesOf(const Record& record, store::IndexSink& indexes) {
  const v1::Dossier& dossier = record.dossier();
  const std::string_view member = TailOfCode(dossier.code());
  const double issued =
      static_cast<double>(absl::ToUnixMicros(time::FromTimestamp(dossier.code_issued_at())));
  indexes.Add(kOfAgency, dossier.receiving_agency(), member, issued);
  indexes.Add(AgencyIndex(dossier.receiving_agency(), dossier.status()), member, issued);
}

void DossierModel::CountersOf(const Record& record, store::CounterSink& counters) {
  const v1::Dossier& dossier = record.dossier();
  counters.Add(kByStatus, NumberText(static_cast<uint32_t>(dossier.status())).view(), 1);
  counters.Add(kByChannel, dossier.channel(), 1);
  // The versions of the reference data that open dossiers need: see DecideTidy.
  if (dossier.reference_version() > 0 && IsOpen(dossier.status())) {
    counters.AddTo(kOpenByVersion, dossier.reference_jurisdiction(),
                   NumberText(static_cast<uint32_t>(dossier.reference_version())).view(), 1);
  }
  if (dossier.has_rating()) counters.Add(kByRating, NumberText(dossier.rating().score()).view(), 1);
}

std::string OpenCounter(std::string_view jurisdiction, std::string_view shard, uint64_t version) {
  std::string name(jurisdiction == shard ? std::string_view() : jurisdiction);
  absl::StrAppend(&name, version);
  return name;
}

uint64_t OpenIn(const store::Counters& counters) {
  uint64_t open = 0;
  for (const auto& [name, value] : counters) {
    const bool by_status = name.substr(0, 2) == kByStatus;
    if (by_status && value > 0 && IsOpen(static_cast<DossierStatus>(NumberOf(name)))) {
      open += static_cast<uint64_t>(value);
    }
  }
  return open;
}

v1::GetStatisticsResponse StatisticsFrom(const store::Counters& counters) {
  v1::GetStatisticsResponse statistics;
  uint64_t dossiers = 0;
  for (const auto& [field, value] : counters) {
    if (value <= 0) continue;
    const uint64_t count = static_cast<uint64_t>(value);
    const std::string_view name = field;
    const std::string_view prefix = name.substr(0, 2);
    if (prefix == kByStatus && NumberOf(name) > 0) {
      (*statistics.mutable_by_status())[static_cast<uint32_t>(NumberOf(name))] = count;
      dossiers += count;
    } else if (prefix == kByChannel) {
      (*statistics.mutable_by_channel())[std::string(name.substr(2))] = count;
    } else if (prefix == kByRating && NumberOf(name) > 0) {
      (*statistics.mutable_by_rating())[static_cast<uint32_t>(NumberOf(name))] = count;
    }
  }
  statistics.set_dossiers(dossiers);
  return statistics;
}

}  // namespace motcua::intake
