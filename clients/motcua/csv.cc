#include "clients/motcua/csv.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace motcua::client {
namespace {

constexpr size_t kMaxListed = 20;

// Length of the well-formed UTF-8 character at the beginning of `text`; 0 where there is none.
size_t CharacterLength(std::string_view text) {
  const unsigned char first = static_cast<unsigned char>(text[0]);
  size_t length = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) text_.remove_prefix(kByteOrderMark.size());
  }

  absl::StatusOr<CsvTable> Parse() {
    CsvTable table;
    while (at_ < text_.size() && violations_.size() < kMaxListed) {
      CsvRow row;
      row.line = line_;
      if (!ReadRow(row)) continue;
      if (row.cells.size() == 1 && row.cells[0].empty()) continue;  // an empty line
      if (table.header.empty()) {
        TakeHeader(row, table);
      } else if (row.cells.size() != table.header.size()) {
        Report(row.line, absl::StrCat("has ", row.cells.size(), row.cells.size() == 1 ? " cell" : " cells",
                                      ", the header has ", table.header.size()));
      } else if (table.rows.size() == kMaxCsvRows) {
        Report(row.line, absl::StrCat("is one too many: at most ", kMaxCsvRows, " rows are read"));
        break;
      } else {
        table.rows.push_back(std::move(row));
      }
    }
    if (table.header.empty() && violations_.empty()) Report(1, "is missing: the file has no header");
    if (!violations_.empty()) return absl::InvalidArgumentError(absl::StrJoin(violations_, "\n"));
    return table;
  }

 private:
  void Report(int line, const std::string& what) {
    violations_.push_back(absl::StrCat("line ", line, ": ", what));
  }

  void TakeHeader(CsvRow& row, CsvTable& table) {
    std::set<std::string> seen;
    for (const std::string& name : row.cells) {
      if (!seen.insert(name).second) Report(row.line, absl::StrCat("names the column \"", name, "\" twice"));
    }
    table.header = std::move(row.cells);
  }

  // False where the row is at fault, which has been reported; it is then skipped.
  bool ReadRow(CsvRow& row) {
    bool good = true;
    while (true) {
      std::string cell;
      const bool quoted = at_ < text_.size() && text_[at_] == '"';
      if (quoted ? !ReadQuoted(row.line, cell) : !ReadPlain(cell)) {
        Report(row.line, quoted ? "has a quote that is not closed, or text after a closing one"
                                : "has a quote within a cell that does not begin with one");
        SkipLine();
        return false;
      }
      if (cell.size() > kMaxCsvCell || !IsUtf8(cell)) {
        if (good)
          Report(row.line, cell.size() > kMaxCsvCell ? "has a cell that is too long" : "is not valid UTF-8");
        good = false;
      }
      row.cells.push_back(std::move(cell));
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      EndLine();
      return good;
    }
  }

  bool AtLineEnd() const {
    return at_ >= text_.size() || text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n'));
  }

  void EndLine() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  void SkipLine() {
    while (!AtLineEnd()) ++at_;
    EndLine();
  }

  bool ReadPlain(std::string& cell) {
    while (!AtLineEnd() && text_[at_] != ',') {
      if (text_[at_] == '"') return false;
      cell.push_back(text_[at_++]);
    }
    return true;
  }

  bool ReadQuoted(int first_line, std::string& cell) {
    const size_t begin = at_++;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c != '"') {
        cell.push_back(c);
      } else if (at_ < text_.size() && text_[at_] == '"') {
        cell.push_back('"');
        ++at_;
      } else if (AtLineEnd() || text_[at_] == ',') {
        return true;
      } else {
        break;
      }
    }
    // Goes on after the first line of the cell: one torn line shall not hide what is wrong with the others.
    at_ = begin;
    line_ = first_line;
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<std::string> violations_;
};

}  // namespace

absl::StatusOr<CsvTable> ParseCsv(std::string_view text) { return Parser(text).Parse(); }

std::string FormatCsvRow(const std::vector<std::string>& cells) {
  std::string row;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) row.push_back(',');
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      row += cells[i];
      continue;
    }
    row.push_back('"');
    for (char c : cells[i]) row.append(c == '"' ? 2 : 1, c);
    row.push_back('"');
  }
  row.push_back('\n');
  return row;
}

}  // namespace motcua::client
