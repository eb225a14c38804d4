// Comma-separated values (RFC 4180), read row by row: quoted cells, doubled quotes, line ends within quotes,
// CRLF.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "clients/motcua/log_faults.h"

namespace motcua::client {

struct CsvRow {
  // Line of the file on which the row begins, counted from 1.
  int64_t line = 0;
  std::vector<std::string> cells;
};

// More than these are refused, so that a wrong file cannot eat the machine.
inline constexpr size_t kMaxCsvCell = 64 * 1024;
inline constexpr size_t kMaxCsvColumns = 1000;

// Holds no more of the file than a row. Usage:
//   CsvReader csv(file, faults);
//   for (CsvRow row; csv.Next(row);) ...
// Not thread-safe.
class CsvReader {
 public:
  // Reads the header. Both references outlive the reader. Told to `faults` are torn rows, open quotes, text
  // after a closing quote, cells beyond the bound, bytes that are no text, a missing or ambiguous header; and
  // what the file seems to be where it is no such table (a compressed one, UTF-16, other separators ...).
  CsvReader(std::istream& in, LogFaults& faults);

  // Empty where the file cannot be read as a table at all.
  const std::vector<std::string>& header() const { return header_; }

  // The next row that has as many cells as the header; rows at fault are told of and skipped. False at the
  // end, and when `faults` are full.
  bool Next(CsvRow& row);

 private:
  // Whether there is a character at at_.
  bool More() { return at_ < window_.size() || Fill(1); }
  // Reads on until `count` characters lie before the reader; false where the file ends before.
  bool Fill(size_t count);
  bool LooksLikeATable();
  void TakeHeader(CsvRow row);
  // False where the row is at fault, which has been told; it is then skipped.
  bool ReadRow(CsvRow& row);
  bool AtLineEnd();
  void EndLine();
  void SkipLine();
  bool ReadPlain(std::string& cell);
  bool ReadQuoted(std::string& cell);
  const char* FaultOf(const std::string& cell) const;

  std::istream& in_;
  LogFaults& faults_;
  std::vector<std::string> header_;
  // What was read and is still wanted: from keep_ on, else from at_ on.
  std::string window_;
  size_t at_ = 0;
  size_t keep_ = std::string::npos;
  int64_t line_ = 1;
};

// A row as text, quoted where it must be, with its line end.
std::string FormatCsvRow(const std::vector<std::string>& cells);

}  // namespace motcua::client
