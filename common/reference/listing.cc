#include "common/reference/listing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace motcua::reference {
namespace {

// The plain letters of U+00C0 to U+01B0 and of U+1EA0 to U+1EF9; `.` where there is none.
constexpr std::string_view kLatin =
    "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.yaaaaaaccccccccddddeeeeeeeeeegggg"
    "gggghh..iiiiiiiii...jjkk.llllll....nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz."
    "................................oo.............uu";
constexpr std::string_view kVietnamese =
    "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy";
// A character and how many bytes it has; characters that are no letters of ours stay as they are.
size_t FoldOne(std::string_view text, std::string& out) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  std::string_view table;
  size_t place = 0, size = 1;
  if (byte(0) >= 0xC3 && byte(0) <= 0xC6 && text.size() >= 2) {
    size = 2;
    table = kLatin;
    place = ((byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu)) - 0xC0;
  } else if (byte(0) == 0xE1 && text.size() >= 3) {
    size = 3;
    table = kVietnamese;
    place = (0x1000u | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu)) - 0x1EA0;
  } else if (byte(0) == 0xCC || (byte(0) == 0xCD && text.size() >= 2 && byte(1) < 0xB0)) {
    return std::min<size_t>(2, text.size());  // a combining mark
  }
  if (place < table.size() && table[place] != '.') {
    out.push_back(table[place]);
  } else if (size == 1) {
    out.push_back(absl::ascii_tolower(byte(0)));
  } else {
    out.append(text.substr(0, size));
  }
  return size;
}

// `text` is folded.
bool BeginsAWord(std::string_view name, std::string_view text) {
  const std::string folded = Folded(name);
  for (size_t at = folded.find(text); at != std::string::npos; at = folded.find(text, at + 1)) {
    if (at == 0 || !absl::ascii_isalnum(static_cast<unsigned char>(folded[at - 1]))) return true;
  }
  return false;
}

bool Matches(const std::string& id, const std::string& name, const std::string& text) {
  return text.empty() || absl::StartsWithIgnoreCase(id, text) || BeginsAWord(name, text);
}

bool IsUnder(const Catalogue& catalogue, const std::string& agency, const std::string& top) {
  if (top.empty()) return true;
  const v1::Agency* at = catalogue.FindAgency(agency);
  while (at != nullptr && at->id() != top) at = catalogue.FindAgency(at->parent());
  return at != nullptr;
}

// Items `sorted` by key, from behind `query.after`.
template <class Item, class Key, class Wanted>
Listed<Item> Page(const std::vector<const Item*>& sorted, const ListQuery& query, const Key& key,
                  const Wanted& wanted) {
  Listed<Item> page;
  auto at =
      query.after.empty()
          ? sorted.begin()
          : std::upper_bound(sorted.begin(), sorted.end(), query.after,
                             [&](const std::string& after, const Item* item) { return after < key(*item); });
  size_t bytes = 0;
  for (size_t looks = 0; at != sorted.end(); ++at, ++looks) {
    if (page.items.size() == query.most || looks == kMostLooks || bytes > kMostPageBytes) {
      page.last = key(**(at - 1));
      break;
    }
    if (!wanted(**at)) continue;
    page.items.push_back(*at);
    bytes += (*at)->ByteSizeLong();
  }
  return page;
}

}  // namespace

std::string Folded(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) text.remove_prefix(FoldOne(text, folded));
  return folded;
}

Listed<v1::Agency> ListAgencies(const Catalogue& catalogue, const ListQuery& query) {
  const std::string text = Folded(query.text);
  return Page(
      catalogue.agencies(), query, [](const v1::Agency& agency) -> const std::string& { return agency.id(); },
      [&](const v1::Agency& agency) {
        return (query.level == v1::LEVEL_UNSPECIFIED || agency.level() == query.level) &&
               (!query.as_of.has_value() || Catalogue::IsInForce(agency, *query.as_of)) &&
               IsUnder(catalogue, agency.id(), query.under) && Matches(agency.id(), agency.name(), text);
      });
}

Listed<v1::Officer> ListOfficers(const Catalogue& catalogue, const ListQuery& query) {
  const std::string text = Folded(query.text);
  return Page(
      catalogue.officers(), query,
      [](const v1::Officer& officer) -> const std::string& { return officer.id(); },
      [&](const v1::Officer& officer) {
        return (query.role.empty() || std::find(officer.roles().begin(), officer.roles().end(), query.role) !=
                                          officer.roles().end()) &&
               IsUnder(catalogue, officer.agency(), query.under) &&
               Matches(officer.id(), officer.name(), text);
      });
}

Listed<v1::Procedure> ListProcedures(const Catalogue& catalogue, const ListQuery& query) {
  const std::string text = Folded(query.text);
  const std::string sector = Folded(query.sector);
  return Page(catalogue.procedures(), query, Catalogue::ProcedureKey, [&](const v1::Procedure& procedure) {
    const auto& levels = procedure.receivable_at();
    return (query.level == v1::LEVEL_UNSPECIFIED || levels.empty() ||
            std::find(levels.begin(), levels.end(), query.level) != levels.end()) &&
           (!query.as_of.has_value() || Catalogue::IsInForce(procedure, *query.as_of)) &&
           (sector.empty() || Folded(procedure.sector()) == sector) &&
           Matches(procedure.code(), procedure.name(), text);
  });
}

Listed<v1::Calendar> ListCalendars(const Catalogue& catalogue, const ListQuery& query) {
  const std::string text = Folded(query.text);
  return Page(
      catalogue.calendars(), query,
      [](const v1::Calendar& calendar) -> const std::string& { return calendar.id(); },
      [&](const v1::Calendar& calendar) { return Matches(calendar.id(), calendar.name(), text); });
}

}  // namespace motcua::reference
