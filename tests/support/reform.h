// The merger of 1 July 2025 in small (tests/data/reform): `h13`, `h30` and `h51` as they are before,
// `h13-merged` after.
#pragma once

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "common/reference/catalogue.h"
#include "common/reference/loader.h"

namespace motcua::test {

inline reference::v1::ReferenceSet Reform(const std::string& name) {
  absl::StatusOr<reference::v1::ReferenceSet> set =
      reference::LoadReferenceSet(MOTCUA_SOURCE_DIR "/tests/data/reform/" + name + ".yaml");
  if (!set.ok()) {
    std::cerr << set.status() << std::endl;
    std::abort();
  }
  return *std::move(set);
}

inline std::shared_ptr<const reference::Catalogue> ReformCatalogue(const std::string& name,
                                                                   uint64_t version = 1) {
  reference::v1::ReferenceSet set = Reform(name);
  set.set_version(version);
  return *reference::Catalogue::Compile(std::move(set));
}

// A local time there.
inline absl::Time ReformTime(int year, int month, int day, int hour = 9) {
  return absl::FromCivil(absl::CivilHour(year, month, day, hour), absl::FixedTimeZone(7 * 3600));
}

}  // namespace motcua::test
