#include "common/reference/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/reference/validate.h"

namespace motcua::reference {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 1000;
constexpr std::streamsize kMaxFileBytes = 8 << 20;

bool IsYamlName(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

void Fault(const std::string& file, std::string description, std::vector<SourceViolation>& violations) {
  violations.push_back({file, 0, "", std::move(description)});
}

std::vector<std::string> FilesOf(const std::string& path, std::vector<SourceViolation>& violations) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<std::string> files;
  fs::directory_iterator it(path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code unknown;
    if (IsYamlName(it->path()) && it->is_regular_file(unknown)) files.push_back(it->path().string());
  }
  if (error) {
    Fault(path, absl::StrCat("cannot be read: ", error.message()), violations);
  } else if (files.empty()) {
    Fault(path, "the directory has no *.yaml file", violations);
  }
  std::sort(files.begin(), files.end());
  return files;
}

void ReadFile(const std::string& file, std::vector<YamlText>& texts,
              std::vector<SourceViolation>& violations) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    Fault(file, error ? absl::StrCat("cannot be read: ", error.message()) : "is not a file", violations);
    return;
  }
  std::ifstream stream(file, std::ios::binary);
  // One byte more than allowed, so that the reader sees that it is too much.
  std::string text(kMaxFileBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    Fault(file, "cannot be read", violations);
    return;
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  texts.push_back({file, std::move(text)});
}

}  // namespace

absl::Status LoadResult::status() const {
  if (ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrJoin(violations, "\n", [](std::string* out, const SourceViolation& violation) {
        absl::StrAppend(out, violation.ToString());
      }));
}

LoadResult LoadTexts(absl::Span<const YamlText> texts) {
  LoadResult result;
  SourceMap sources;
  for (const YamlText& text : texts) ReadYaml(text.name, text.text, result.set, sources, result.violations);
  for (Violation& violation : Validate(result.set)) {
    const SourceMap::Place place = sources.Find(violation.path);
    const std::string file = place.file.empty() && !texts.empty() ? texts[0].name : place.file;
    // A value that could not be read is reported as such, not once more as missing.
    const bool known =
        std::any_of(result.violations.begin(), result.violations.end(),
                    [&](const SourceViolation& v) { return !v.path.empty() && v.path == violation.path; });
    if (!known) {
      result.violations.push_back(
          {file, place.line, std::move(violation.path), std::move(violation.description)});
    }
  }
  return result;
}

LoadResult LoadFiles(absl::Span<const std::string> paths) {
  std::vector<YamlText> texts;
  std::vector<SourceViolation> violations;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    for (std::string& file : FilesOf(path, violations)) files.push_back(std::move(file));
  }
  if (files.size() > kMaxFiles) {
    Fault(files[0], absl::StrCat("more than ", kMaxFiles, " files"), violations);
    files.clear();
  }
  for (const std::string& file : files) ReadFile(file, texts, violations);
  LoadResult result;
  // A set with a part missing would be full of violations that are none.
  if (violations.empty()) result = LoadTexts(texts);
  result.violations.insert(result.violations.begin(), violations.begin(), violations.end());
  return result;
}

absl::StatusOr<v1::ReferenceSet> LoadReferenceSet(const std::string& path) {
  LoadResult result = LoadFiles({path});
  if (!result.ok()) return result.status();
  return std::move(result.set);
}

}  // namespace motcua::reference
