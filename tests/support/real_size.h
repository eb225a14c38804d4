// Reference data of the size of a real province, generated from a seed.
#pragma once

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::test {

struct Sizes {
  int agencies = 10'000;
  int officers = 50'000;
  int procedures = 6'500;
};

class RealSize {
 public:
  explicit RealSize(Sizes sizes, uint32_t seed = 1) : sizes_(sizes), random_(seed) {}

  // Based on a set with the jurisdiction `H30`, a calendar and whatever else, which is kept.
  reference::v1::ReferenceSet Make(reference::v1::ReferenceSet set) {
    const int known = set.agencies_size();
    for (int i = 0; i + known < sizes_.agencies; ++i) AddAgency(set, i);
    for (int i = 0; set.officers_size() < sizes_.officers; ++i) AddOfficer(set, i);
    for (int i = 0; set.procedures_size() < sizes_.procedures; ++i) AddProcedure(set, i);
    for (int i = 0; i < 5; ++i) AddCalendar(set, i);
    return set;
  }

 private:
  using Set = reference::v1::ReferenceSet;

  template <size_t n>
  const char* Of(const char* const (&words)[n]) {
    return words[random_() % n];
  }

  // Districts D0.., each with communes, each with offices: a tree of four levels.
  void AddAgency(Set& set, int i) {
    constexpr int kOffices = 30, kCommunes = 12;
    const int commune = i / (kOffices + 1), office = i % (kOffices + 1);
    const std::string district = absl::StrFormat("H30.D%02d", commune / kCommunes);
    if (office == 0 && commune % kCommunes == 0) {
      Fill(*set.add_agencies(), district, "Ủy ban nhân dân huyện ", reference::v1::LEVEL_DISTRICT, "H30");
    }
    const std::string id = absl::StrCat(district, ".C", commune % kCommunes);
    if (office == 0) {
      Fill(*set.add_agencies(), id, "Ủy ban nhân dân xã ", reference::v1::LEVEL_COMMUNE, district);
    } else {
      Fill(*set.add_agencies(), absl::StrCat(id, ".", office), "Bộ phận chuyên môn ",
           reference::v1::LEVEL_COMMUNE, id);
    }
  }

  void Fill(reference::v1::Agency& agency, const std::string& id, const char* kind,
            reference::v1::Level level, const std::string& parent) {
    agency.set_id(id);
    agency.set_name(absl::StrCat(kind, Of(kPlaces), " ", id));
    agency.set_level(level);
    agency.set_parent(parent);
    agency.set_kind("committee");
    agency.set_email(absl::StrCat(id, "@example.org"));
  }

  void AddOfficer(Set& set, int i) {
    reference::v1::Officer& officer = *set.add_officers();
    officer.set_id(absl::StrFormat("cb%05d", i));
    officer.set_name(absl::StrCat(Of(kFamilies), " ", Of(kMiddles), " ", Of(kGiven)));
    officer.set_agency(
        set.agencies(static_cast<int>(random_() % static_cast<uint32_t>(set.agencies_size()))).id());
    officer.add_roles(i % 3 == 0 ? "intake" : "handler");
    if (i % 20 == 0) officer.add_roles("leader");
    officer.set_email(absl::StrCat(officer.id(), "@example.org"));
  }

  void AddProcedure(Set& set, int i) {
    reference::v1::Procedure& procedure = *set.add_procedures();
    procedure.set_code(absl::StrFormat("2.%06d", i));
    procedure.set_name(absl::StrCat("Thủ tục ", Of(kActs), " ", Of(kThings), " số ", i));
    procedure.set_sector(Of(kSectors));
    procedure.set_competent("@receiving");
    procedure.set_fee(random_() % 100 * 1000);
    procedure.add_receivable_at(reference::v1::LEVEL_COMMUNE);
    Limit(*procedure.mutable_limit(), 150);
    for (int leg = 0; leg < 4; ++leg) {
      reference::v1::RouteLeg& step = *procedure.add_legs();
      step.set_id(absl::StrCat("buoc-", leg));
      step.set_name(absl::StrCat(Of(kActs), " ", Of(kThings)));
      step.set_agency(leg % 2 == 0 ? "@receiving" : "@parent");
      Limit(*step.mutable_limit(), 30);
    }
    for (int paper = 0; paper < 5; ++paper) {
      procedure.add_components(absl::StrCat("Giấy tờ về việc ", Of(kActs), " ", Of(kThings)));
    }
  }

  static void AddCalendar(Set& set, int i) {
    reference::v1::Calendar& calendar = *set.add_calendars();
    calendar.set_id(absl::StrCat("lich-", i));
    calendar.set_name(absl::StrCat("Lịch ", i));
    calendar.set_base(set.jurisdiction().default_calendar());
    reference::v1::CalendarDay& day = *calendar.add_days();
    day.set_date(absl::StrFormat("2025-06-%02d", i % 28 + 1));
    day.set_kind(reference::v1::DAY_KIND_HOLIDAY);
  }

  static void Limit(common::v1::Limit& limit, uint32_t tenths) {
    limit.set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
    limit.set_tenths(tenths);
  }

  static constexpr const char* kPlaces[] = {"Tân Phú",  "Hòa Bình",    "An Lạc",
                                            "Đông Sơn", "Phước Thịnh", "Xuân Lộc"};
  static constexpr const char* kFamilies[] = {"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi", "Đỗ"};
  static constexpr const char* kMiddles[] = {"Văn", "Thị", "Hữu", "Minh", "Ngọc"};
  static constexpr const char* kGiven[] = {"An",  "Bình", "Cường", "Dũng", "Hạnh",
                                           "Lan", "Mai",  "Phúc",  "Yến"};
  static constexpr const char* kActs[] = {"đăng ký",  "cấp lại",    "thẩm định",
                                          "xác nhận", "điều chỉnh", "thu hồi"};
  static constexpr const char* kThings[] = {"khai sinh", "quyền sử dụng đất",   "giấy phép kinh doanh",
                                            "hộ tịch",   "công trình xây dựng", "bảo hiểm xã hội"};
  static constexpr const char* kSectors[] = {"Hộ tịch",  "Đất đai",  "Xây dựng",
                                             "Bảo hiểm", "Giáo dục", "Y tế"};

  const Sizes sizes_;
  std::mt19937 random_;
};

}  // namespace motcua::test
