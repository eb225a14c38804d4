#include "common/rpc/layered_flags.h"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace motcua::rpc {
namespace {

constexpr char kPrefix[] = "MOTCUA_";

struct FileValue {
  int line = 0;  // of the key
  std::vector<std::string> values;
  std::vector<int> lines;
};

std::optional<FileValue> ReadValue(const YAML::Node& node) {
  FileValue value;
  auto add = [&value](const YAML::Node& scalar) {
    value.values.push_back(scalar.Scalar());
    value.lines.push_back(scalar.Mark().line + 1);
  };
  if (node.IsScalar()) {
    add(node);
    return value;
  }
  if (!node.IsSequence()) return std::nullopt;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) return std::nullopt;
    add(item);
  }
  return value;
}

// yaml-cpp reports by exceptions.
std::map<std::string, FileValue> ReadFile(const std::string& file, const std::string& place,
                                          std::vector<std::string>& problems) {
  std::map<std::string, FileValue> values;
  std::string text;
  if (std::string problem = ReadProblem(file, text); !problem.empty()) {
    problems.push_back(absl::StrCat(place, ": ", problem));
    return values;
  }
  try {
    YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return values;
    if (!root.IsMap()) {
      problems.push_back(absl::StrCat(file, ": must be a map of option: value"));
      return values;
    }
    for (const auto& entry : root) {
      std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
      auto value = ReadValue(entry.second);
      int line = entry.first.Mark().line + 1;
      if (!value.has_value()) {
        problems.push_back(absl::StrCat(file, ":", line, ": ", key, ": must be a value or a list of values"));
        continue;
      }
      value->line = line;
      if (!values.emplace(key, *value).second) {
        problems.push_back(absl::StrCat(file, ":", line, ": ", key, ": is given twice"));
      }
    }
  } catch (const YAML::Exception& error) {
    problems.push_back(absl::StrCat(file, ":", error.mark.line + 1, ": ", error.msg));
  }
  return values;
}

std::string Unlike(const CLI::Option& option, const CLI::Error& error) {
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return option.get_items_expected_max() == 0 ? "must be true or false" : "must be a number";
  }
  std::string text = error.what();
  return std::string(absl::StripPrefix(text, option.get_name() + ": "));
}

// CLI11 reports by exceptions.
void Take(CLI::Option& option, const Setting& setting, std::vector<std::string>& problems) {
  try {
    if (setting.values.size() > 1 && option.get_items_expected_max() == 1) {
      problems.push_back(absl::StrCat(setting.places.front(), ": takes one value"));
      return;
    }
    for (const std::string& value : setting.values) {
      // For switches CLI11 wants "true" or "false" as the result itself.
      option.add_result(option.get_items_expected_max() == 0 ? option.get_flag_value(option.get_name(), value) : value);
    }
    option.run_callback();
  } catch (const CLI::Error& error) {
    problems.push_back(absl::StrCat(setting.places.front(), ": ", Unlike(option, error)));
  }
}

// How many letters to change, add or take away to make one word of the other.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// The name that was probably meant; empty where none is near.
std::string Nearest(absl::string_view word, const std::set<std::string>& names) {
  std::string nearest;
  size_t least = word.size() < 6 ? 2 : 3;  // exclusive
  for (const std::string& name : names) {
    size_t distance = Distance(word, name);
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

std::string Unknown(absl::string_view word, const std::set<std::string>& names) {
  std::string nearest = Nearest(word, names);
  return nearest.empty() ? "unknown option" : absl::StrCat("unknown option; is ", nearest, " meant?");
}

std::set<std::string> NamesOf(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty()) names.insert(option->get_lnames().front());
  }
  return names;
}

// What CLI11 could make nothing of. A word behind an unknown flag is probably that flag's value.
void TellRemaining(const CLI::App& app, std::vector<std::string>& problems) {
  const std::set<std::string> names = NamesOf(app);
  bool value_may_follow = false;
  for (const std::string& word : app.remaining()) {
    if (absl::StartsWith(word, "-")) {
      std::string flag = word.substr(0, word.find('='));
      absl::string_view name = absl::StripPrefix(absl::StripPrefix(flag, "-"), "-");
      problems.push_back(absl::StrCat(flag, ": ", Unknown(name, names)));
      value_may_follow = flag == word;
    } else {
      if (!value_may_follow)
        problems.push_back(absl::StrCat(word, ": arguments without a flag are not taken"));
      value_may_follow = false;
    }
  }
}

std::string VariableOf(const std::string& name) { return absl::StrCat(kPrefix, absl::AsciiStrToUpper(name)); }

void WarnOfNearVariables(const std::set<std::string>& names, const Variables& environment,
                         std::vector<std::string>& warnings) {
  for (const auto& [variable, value] : environment) {
    if (!absl::StartsWith(variable, kPrefix)) continue;
    std::string word = absl::AsciiStrToLower(variable.substr(sizeof(kPrefix) - 1));
    if (names.count(word) != 0) continue;
    std::string nearest = Nearest(word, names);
    if (nearest.empty()) continue;
    warnings.push_back(absl::StrCat(variable, ": has no effect here; is ", VariableOf(nearest), " meant?"));
  }
}

}  // namespace

std::string PlaceOf(const Settings& settings, const std::string& option) {
  auto found = settings.find(option);
  if (found == settings.end() || found->second.places.empty()) return absl::StrCat("--", option);
  return found->second.places.front();
}

std::string ReadProblem(const std::string& path, std::string& content) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  char buffer[4096];
  content.clear();
  while (file != nullptr) {
    size_t read = std::fread(buffer, 1, sizeof(buffer), file.get());
    content.append(buffer, read);
    if (read < sizeof(buffer)) break;
  }
  if (file != nullptr && std::ferror(file.get()) == 0) return "";
  return absl::StrCat("cannot read ", path, ": ", std::strerror(errno));
}

bool ParseCommandLine(CLI::App& app, int argc, const char* const* argv, std::vector<std::string>& problems) {
  app.allow_extras();
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
  try {
    app.parse(words);
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::Error& error) {
    if (!words.empty()) {
      problems.push_back(error.what());
      return false;
    }
    // Every word has been understood, but CLI11 stops at the first value that does not fit.
    for (CLI::Option* option : app.get_options()) {
      if (option->count() == 0) continue;
      try {
        option->run_callback();
      } catch (const CLI::Error& each) {
        problems.push_back(absl::StrCat(option->get_name(), ": ", Unlike(*option, each)));
      }
    }
    if (problems.empty()) problems.push_back(error.what());
  }
  TellRemaining(app, problems);
  return true;
}

Settings LayerFlags(CLI::App& app, const std::string& file, const std::string& file_place,
                    const Variables& environment, std::vector<std::string>& problems,
                    std::vector<std::string>& warnings) {
  std::map<std::string, FileValue> in_file;
  if (!file.empty()) in_file = ReadFile(file, file_place, problems);
  std::set<std::string> names;
  Settings settings;
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "help" || name == "version" || name == "config") continue;
    names.insert(name);
    Setting& setting = settings[name];
    const std::string variable = VariableOf(name);
    auto in_environment = environment.find(variable);
    auto in_file_value = in_file.find(name);
    if (option->count() > 0) {
      setting.source = "flag";
      setting.values = option->results();
      setting.places.assign(setting.values.size(), "--" + name);
    } else if (in_environment != environment.end()) {
      setting.source = "environment";
      setting.values = {in_environment->second};
      if (option->get_items_expected_max() > 1) {
        setting.values = absl::StrSplit(in_environment->second, ',', absl::SkipEmpty());
      }
      setting.places.assign(std::max<size_t>(setting.values.size(), 1), variable);
      Take(*option, setting, problems);
    } else if (in_file_value != in_file.end()) {
      setting.source = "file";
      const FileValue& value = in_file_value->second;
      setting.values = value.values;
      for (int line : value.lines) setting.places.push_back(absl::StrCat(file, ":", line, ": ", name));
      if (setting.places.empty()) setting.places.push_back(absl::StrCat(file, ":", value.line, ": ", name));
      Take(*option, setting, problems);
    }
  }
  for (const auto& [key, value] : in_file) {
    if (names.count(key) != 0) continue;
    problems.push_back(absl::StrCat(file, ":", value.line, ": ", key, ": ", Unknown(key, names)));
  }
  names.insert("config");
  WarnOfNearVariables(names, environment, warnings);
  return settings;
}

}  // namespace motcua::rpc
