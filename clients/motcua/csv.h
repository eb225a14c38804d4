// Comma-separated values (RFC 4180): quoted cells, doubled quotes, line ends within quotes, CRLF.
//
// Pure and thread-safe.
#ifndef MOTCUA_CLIENTS_MOTCUA_CSV_H_
#define MOTCUA_CLIENTS_MOTCUA_CSV_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace motcua::client {

struct CsvRow {
  // Line of the file on which the row begins, counted from 1.
  int line = 0;
  std::vector<std::string> cells;
};

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

// More than these are refused, so that a wrong file cannot eat the machine.
inline constexpr size_t kMaxCsvRows = 5'000'000;
inline constexpr size_t kMaxCsvCell = 64 * 1024;

// The whole text as a table: every row has as many cells as the header. INVALID_ARGUMENT, one line for each
// of the first 20 violations (`line 17: has 4 cells, the header has 15`), for torn rows, open quotes, text
// after a closing quote, cells beyond the bound, bytes that are not UTF-8, a missing or ambiguous header.
absl::StatusOr<CsvTable> ParseCsv(std::string_view text);

// A row as text, quoted where it must be, with its line end.
std::string FormatCsvRow(const std::vector<std::string>& cells);

}  // namespace motcua::client

#endif  // MOTCUA_CLIENTS_MOTCUA_CSV_H_
