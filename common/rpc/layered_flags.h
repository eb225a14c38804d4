// Values of CLI11 options from the environment and a YAML file, beneath those of the command line.
#ifndef MOTCUA_COMMON_RPC_LAYERED_FLAGS_H_
#define MOTCUA_COMMON_RPC_LAYERED_FLAGS_H_

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace motcua::rpc {

// Where an option's value came from: "flag", "environment", "file" or "default".
using Sources = std::map<std::string, std::string>;

// Call after `app` has parsed the command line. Each option that had no flag takes its value from the environment,
// else from `file` (a path; empty: none). Returns the option's source by its name without dashes; what is wrong
// goes to `problems`, one line each, with the line number for a file.
Sources LayerFlags(CLI::App& app, const std::string& file, const char* (*environment)(const char*),
                   std::vector<std::string>& problems);

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_LAYERED_FLAGS_H_
