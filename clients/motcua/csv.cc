#include "clients/motcua/csv.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "clients/motcua/text.h"

namespace motcua::client {
namespace {

constexpr size_t kBlock = 64 * 1024;

bool BeginsWith(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

}  // namespace

CsvReader::CsvReader(std::istream& in, LogFaults& faults) : in_(in), faults_(faults) {
  if (!LooksLikeATable()) return;
  while (header_.empty() && More()) {
    CsvRow row;
    row.line = line_;
    if (!ReadRow(row)) return;
    if (row.cells.size() == 1 && row.cells[0].empty()) continue;  // an empty line
    TakeHeader(std::move(row));
  }
  if (header_.empty() && faults_.empty()) {
    faults_.Add(0, faults_.Say("tệp không có dòng tiêu đề", "the file has no header"));
  }
}

bool CsvReader::Fill(size_t count) {
  const size_t drop = std::min(at_, keep_);
  window_.erase(0, drop);
  at_ -= drop;
  if (keep_ != std::string::npos) keep_ -= drop;
  while (window_.size() - at_ < count && in_.good()) {
    const size_t size = window_.size();
    window_.resize(size + kBlock);
    in_.read(window_.data() + size, kBlock);
    window_.resize(size + static_cast<size_t>(in_.gcount()));
  }
  return window_.size() - at_ >= count;
}

// Users bring what their spreadsheets and mail programs gave them.
bool CsvReader::LooksLikeATable() {
  constexpr size_t kLooked = 4096;
  // In UTF-16 about each second byte is one; in a text a single one is told of by its line.
  constexpr ptrdiff_t kRareNul = 8;
  Fill(kLooked);
  const std::string_view begin = std::string_view(window_).substr(0, kLooked);
  const char* what = nullptr;
  if (begin.empty()) {
    what = faults_.Say("tệp rỗng", "the file is empty");
  } else if (BeginsWith(begin, "\x1F\x8B")) {
    what = faults_.Say("tệp nén gzip: hãy giải nén trước (gunzip)",
                       "this is compressed with gzip: unpack it first (gunzip)");
  } else if (BeginsWith(begin, "PK\x03\x04")) {
    what = faults_.Say("tệp ZIP hoặc bảng tính (.xlsx): hãy lưu thành CSV UTF-8",
                       "this is a ZIP archive or a workbook (.xlsx): save it as CSV in UTF-8");
  } else if (BeginsWith(begin, "\xFF\xFE") || BeginsWith(begin, "\xFE\xFF")) {
    what = faults_.Say("tệp UTF-16: hãy lưu thành UTF-8 (iconv -f UTF-16 -t UTF-8)",
                       "this is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)");
  } else if (std::count(begin.begin(), begin.end(), '\0') * kRareNul > static_cast<ptrdiff_t>(begin.size())) {
    what = faults_.Say("không phải văn bản UTF-8 (UTF-16, hay tệp nhị phân?)",
                       "this is no text in UTF-8 (UTF-16, or a binary file?)");
  } else if (BeginsWith(begin, "<")) {
    what = faults_.Say("tệp XML (XES?): hãy xuất thành CSV", "this is XML (XES?): export it as CSV");
  }
  if (what == nullptr) {
    if (BeginsWith(begin, "\xEF\xBB\xBF")) at_ = 3;
    const std::string_view first = begin.substr(0, begin.find('\n'));
    const auto commas = std::count(first.begin(), first.end(), ',');
    if (std::count(first.begin(), first.end(), ';') > commas) {
      what = faults_.Say("các cột ngăn cách bằng dấu chấm phẩy: cần dấu phẩy",
                         "the columns are separated by semicolons: commas are needed");
    } else if (std::count(first.begin(), first.end(), '\t') > commas) {
      what = faults_.Say("các cột ngăn cách bằng dấu tab: cần dấu phẩy",
                         "the columns are separated by tabs: commas are needed");
    }
  }
  if (what != nullptr) faults_.Add(0, what);
  return what == nullptr;
}

void CsvReader::TakeHeader(CsvRow row) {
  std::set<std::string> seen;
  for (const std::string& name : row.cells) {
    if (seen.insert(name).second) continue;
    faults_.Add(row.line, absl::Substitute(
                              faults_.Say("cột \"$0\" có hai lần", "names the column \"$0\" twice"), name));
  }
  header_ = std::move(row.cells);
}

bool CsvReader::Next(CsvRow& row) {
  while (!header_.empty() && !faults_.full() && More()) {
    row.line = line_;
    row.cells.clear();
    if (!ReadRow(row)) continue;
    if (row.cells.size() == 1 && row.cells[0].empty()) continue;  // an empty line
    if (row.cells.size() == header_.size()) return true;
    faults_.Add(row.line,
                absl::Substitute(faults_.Say("có $0 ô, tiêu đề có $1", "has $0 cells, the header has $1"),
                                 row.cells.size(), header_.size()));
  }
  return false;
}

const char* CsvReader::FaultOf(const std::string& cell) const {
  if (cell.size() > kMaxCsvCell) return faults_.Say("có ô dài quá 64 KiB", "has a cell of more than 64 KiB");
  if (cell.find('\0') != std::string::npos) return faults_.Say("có ký tự NUL", "has a NUL");
  if (IsUtf8(cell)) return nullptr;
  return faults_.Say("không phải UTF-8 (bảng mã cũ? hãy lưu tệp thành UTF-8)",
                     "is not valid UTF-8 (an older encoding? save the file as UTF-8)");
}

bool CsvReader::ReadRow(CsvRow& row) {
  const char* fault = nullptr;
  while (true) {
    std::string cell;
    const bool quoted = More() && window_[at_] == '"';
    if (quoted ? !ReadQuoted(cell) : !ReadPlain(cell)) {
      faults_.Add(
          row.line,
          quoted
              ? faults_.Say("có dấu nháy không đóng, hoặc có chữ sau dấu nháy đóng, hoặc ô dài quá 64 KiB",
                            "has a quote that is not closed, text after a closing one, or more than 64 KiB "
                            "between them")
              : faults_.Say("có dấu nháy giữa một ô không mở đầu bằng dấu nháy",
                            "has a quote within a cell that does not begin with one"));
      SkipLine();
      return false;
    }
    if (fault == nullptr) fault = FaultOf(cell);
    if (row.cells.size() == kMaxCsvColumns) {
      faults_.Add(row.line, faults_.Say("có quá 1000 ô", "has more than 1000 cells"));
      SkipLine();
      return false;
    }
    row.cells.push_back(std::move(cell));
    if (More() && window_[at_] == ',') {
      ++at_;
      continue;
    }
    EndLine();
    if (fault != nullptr) faults_.Add(row.line, fault);
    return fault == nullptr;
  }
}

bool CsvReader::AtLineEnd() {
  if (!More() || window_[at_] == '\n') return true;
  if (window_[at_] != '\r') return false;
  return (at_ + 1 >= window_.size() && !Fill(2)) || window_[at_ + 1] == '\n';
}

void CsvReader::EndLine() {
  if (More() && window_[at_] == '\r') ++at_;
  if (More() && window_[at_] == '\n') ++at_;
  ++line_;
}

void CsvReader::SkipLine() {
  while (!AtLineEnd()) ++at_;
  EndLine();
}

bool CsvReader::ReadPlain(std::string& cell) {
  while (!AtLineEnd() && window_[at_] != ',') {
    if (window_[at_] == '"') return false;
    // Of a cell that is too long no more is kept than shows it.
    if (cell.size() <= kMaxCsvCell) cell.push_back(window_[at_]);
    ++at_;
  }
  return true;
}

bool CsvReader::ReadQuoted(std::string& cell) {
  const int64_t first_line = line_;
  keep_ = at_++;
  bool closed = false;
  while (!closed && cell.size() <= kMaxCsvCell && More()) {
    const char c = window_[at_++];
    if (c == '\n') ++line_;
    if (c != '"') {
      cell.push_back(c);
    } else if (More() && window_[at_] == '"') {
      cell.push_back('"');
      ++at_;
    } else if (AtLineEnd() || window_[at_] == ',') {
      closed = true;
    } else {
      break;
    }
  }
  if (!closed) {
    // Goes on after the first line of the cell: one torn line shall not hide what is wrong with the others.
    at_ = keep_;
    line_ = first_line;
  }
  keep_ = std::string::npos;
  return closed;
}

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
