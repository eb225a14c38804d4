#include "common/rpc/layered_flags.h"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace motcua::rpc {
namespace {

struct FileValue {
  std::vector<std::string> values;
  int line = 0;
};

std::optional<FileValue> ReadValue(const YAML::Node& node) {
  FileValue value;
  value.line = node.Mark().line + 1;
  if (node.IsScalar()) {
    value.values.push_back(node.Scalar());
    return value;
  }
  if (!node.IsSequence()) return std::nullopt;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) return std::nullopt;
    value.values.push_back(item.Scalar());
  }
  return value;
}

// yaml-cpp reports by exceptions.
std::map<std::string, FileValue> ReadFile(const std::string& file, std::vector<std::string>& problems) {
  std::map<std::string, FileValue> values;
  try {
    YAML::Node root = YAML::LoadFile(file);
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
      } else if (!values.emplace(key, *value).second) {
        problems.push_back(absl::StrCat(file, ":", line, ": ", key, ": is given twice"));
      }
    }
  } catch (const YAML::Exception& error) {
    problems.push_back(absl::StrCat(file, ": ", error.what()));
  }
  return values;
}

// CLI11 reports by exceptions.
void Take(CLI::Option& option, const std::vector<std::string>& values, const std::string& where,
          std::vector<std::string>& problems) {
  try {
    if (values.size() > 1 && option.get_items_expected_max() == 1) {
      problems.push_back(absl::StrCat(where, ": takes one value"));
      return;
    }
    for (const std::string& value : values) {
      // For switches CLI11 wants "true" or "false" as the result itself.
      option.add_result(option.get_items_expected_max() == 0 ? option.get_flag_value(option.get_name(), value) : value);
    }
    option.run_callback();
  } catch (const CLI::Error& error) {
    problems.push_back(absl::StrCat(where, ": ", error.what()));
  }
}

}  // namespace

Sources LayerFlags(CLI::App& app, const std::string& file, const char* (*environment)(const char*),
                   std::vector<std::string>& problems) {
  std::map<std::string, FileValue> in_file;
  if (!file.empty()) in_file = ReadFile(file, problems);
  std::set<std::string> names;
  Sources sources;
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "help" || name == "config") continue;
    names.insert(name);
    std::string variable = absl::StrCat("MOTCUA_", absl::AsciiStrToUpper(name));
    const char* in_environment = environment(variable.c_str());
    auto in_file_value = in_file.find(name);
    if (option->count() > 0) {
      sources[name] = "flag";
    } else if (in_environment != nullptr) {
      sources[name] = "environment";
      std::vector<std::string> values = {in_environment};
      if (option->get_items_expected_max() > 1) values = absl::StrSplit(in_environment, ',', absl::SkipEmpty());
      Take(*option, values, variable, problems);
    } else if (in_file_value != in_file.end()) {
      sources[name] = "file";
      Take(*option, in_file_value->second.values, absl::StrCat(file, ":", in_file_value->second.line, ": ", name),
           problems);
    } else {
      sources[name] = "default";
    }
  }
  for (const auto& [key, value] : in_file) {
    if (names.count(key) == 0) problems.push_back(absl::StrCat(file, ":", value.line, ": ", key, ": unknown option"));
  }
  return sources;
}

}  // namespace motcua::rpc
