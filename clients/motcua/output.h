// How answers are told: protobuf JSON for programs, lines and tables for people.
//
// Not thread-safe; writes to the given stream only.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace motcua::client {

// Whose eyes the text is for.
struct View {
  bool english = false;
  absl::TimeZone zone;
};

// One message as a line of JSON (a program's view: times in UTC, zero and empty fields left out).
std::string Json(const google::protobuf::Message& message);

// `2025-01-24 15:30:00.250`: seconds and their fraction only where they are not zero.
std::string FormatLocal(absl::Time time, const absl::TimeZone& zone);

// The value at a path (`due.date`), as people read it: times local, limits `5wd`, deadlines by their date,
// enums by their label. Empty where it is not set. Lists are joined by commas.
std::string Value(const google::protobuf::Message& message, std::string_view path, const View& view);

// Every field that is set, one a line, with its label; nested messages indented.
void PrintMessage(const google::protobuf::Message& message, const View& view, std::ostream& out);

// Columns aligned by the width of their characters (Vietnamese letters count one).
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Characters that a text takes on a terminal.
size_t Width(std::string_view text);

// `error: ...`, in the view's language, with every violated field, the reason, a hint and, unless it is
// empty, the id of the trace by which the logs of the services tell more.
void PrintError(const absl::Status& status, const View& view, bool json, std::string_view trace,
                std::ostream& out);

// The label of a field, status, kind ... in the view's language; the name itself where it has none.
std::string Label(std::string_view name, bool english);

}  // namespace motcua::client
