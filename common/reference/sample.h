// The sample reference data of deploy/reference, compiled into the program: what the client works from where
// no server is asked, above all the national calendar. Sample data, not an official catalogue.
//
// Thread-safe; compiled once, at the first call.
#pragma once

#include <memory>
#include <vector>

#include "common/reference/catalogue.h"
#include "common/reference/loader.h"
#include "common/time/calendar.h"

namespace motcua::reference {

// The files as they were when the program was built.
const std::vector<YamlText>& SampleTexts();

const Catalogue& SampleCatalogue();

// The national working calendar.
const time::Calendar& DefaultCalendar();

}  // namespace motcua::reference
