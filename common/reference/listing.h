// Listing: pages of a catalogue's agencies, officers, procedures and calendars.
//
// By id or code, so that a page begins where the one before ended, whatever has changed since. One call looks
// at kMostLooks items at the most and tells what it has found: a page may be short before the last.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "common/reference/catalogue.h"

namespace motcua::reference {

// Which items, and where to begin.
struct ListQuery {
  // Only this agency and those below; empty = all. Of agencies and officers.
  std::string under;
  // Beginning of the id or code, or of a word of the name; capitals and diacritics do not count.
  std::string text;
  std::optional<absl::CivilDay> as_of;
  v1::Level level = v1::LEVEL_UNSPECIFIED;
  std::string role;
  std::string sector;
  // The key of the last item of the page before; empty = from the beginning.
  std::string after;
  size_t most = 100;
};

// `last`: the key to go on after; empty = there is no more.
template <class Item>
struct Listed {
  std::vector<const Item*> items;
  std::string last;
};

inline constexpr size_t kMostLooks = 2000;
inline constexpr size_t kMostPageBytes = size_t{1} << 20;

Listed<v1::Agency> ListAgencies(const Catalogue& catalogue, const ListQuery& query);
Listed<v1::Officer> ListOfficers(const Catalogue& catalogue, const ListQuery& query);
Listed<v1::Procedure> ListProcedures(const Catalogue& catalogue, const ListQuery& query);
Listed<v1::Calendar> ListCalendars(const Catalogue& catalogue, const ListQuery& query);

// Small letters without diacritics: `ho tich` of `Hộ tịch`.
std::string Folded(std::string_view text);

}  // namespace motcua::reference
