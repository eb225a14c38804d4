#include "common/reference/sample.h"

#include <cstdio>
#include <cstdlib>

namespace motcua::reference {
namespace {

// A program whose own data is broken was built without its tests; it says so and ends.
std::shared_ptr<const Catalogue> CompileSample() {
  LoadResult loaded = LoadTexts(SampleTexts());
  absl::Status status = loaded.status();
  if (status.ok()) {
    auto compiled = Catalogue::Compile(std::move(loaded.set));
    if (compiled.ok()) return *std::move(compiled);
    status = compiled.status();
  }
  std::fprintf(stderr, "the built-in reference data is broken:\n%s\n", std::string(status.message()).c_str());
  std::abort();
}

}  // namespace

const Catalogue& SampleCatalogue() {
  static const auto* const catalogue = new std::shared_ptr<const Catalogue>(CompileSample());
  return **catalogue;
}

const time::Calendar& DefaultCalendar() { return SampleCatalogue().default_calendar(); }

}  // namespace motcua::reference
