// Values of CLI11 options from the command line, the environment and a YAML file, each with the place it
// stands at.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace motcua::rpc {

// Variables of the environment by name.
using Variables = std::map<std::string, std::string>;

// One option as it was given.
class Setting {
 public:
  Setting() {}

  // "flag", "environment", "file" or "default".
  std::string source = "default";
  // Empty for a default.
  std::vector<std::string> values;
  // Of each value, for messages: `--peer`, `MOTCUA_PEER` or `motcua.yaml:12: peer`.
  std::vector<std::string> places;
};

// By the option's name without dashes.
using Settings = std::map<std::string, Setting>;

// Where to say that something is wrong with the option as a whole.
std::string PlaceOf(const Settings& settings, const std::string& option);

// Reads a whole file into `content`. Returns why it cannot be read; empty where it can.
std::string ReadProblem(const std::string& path, std::string& content);

// Parses the command line, in which nothing is left unknown. Returns false where it cannot be taken apart, so
// that nothing can be said of the options behind: then the one problem is told. Throws what CLI11 throws for
// --help and --version (CLI::Success).
bool ParseCommandLine(CLI::App& app, int argc, const char* const* argv, std::vector<std::string>& problems);

// Call after ParseCommandLine. Each option that had no flag takes its value from the environment (MOTCUA_ and
// its name in capitals), else from `file`: a path, empty for none, given at `file_place`. What is wrong goes
// to `problems`, one line each, beginning with its place. A variable that is nearly an option's goes to
// `warnings`: the client, the scripts and other services have variables of their own, so that an unknown one
// may well be right.
Settings LayerFlags(CLI::App& app, const std::string& file, const std::string& file_place,
                    const Variables& environment, std::vector<std::string>& problems,
                    std::vector<std::string>& warnings);

}  // namespace motcua::rpc
