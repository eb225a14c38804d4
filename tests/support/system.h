// Shell commands of tests, and a whole system for them: the real programs, started by deploy/system.sh as
// operators do.
//
// For test programs that are built with MOTCUA_SOURCE_DIR and MOTCUA_BIN_DIR (motcua_test) and depend on the
// programs.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "tests/support/temp_dir.h"

namespace motcua::test {

struct Result {
  int exit = -1;
  std::string output;  // both streams
};

// Runs a command, which may not contain single quotes, in bash.
inline Result Shell(const std::string& command) {
  Result result;
  std::FILE* pipe = popen(("bash -c '" + command + "' 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, n);
  const int status = pclose(pipe);
  result.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

// Runs commands against a fresh system; `prepare` comes before its start and may set SERVICE_FLAGS and
// EXTRA_FLAGS.
inline Result OnSystem(const std::string& commands, const std::string& prepare = ":") {
  const TempDir dir;
  return Shell("export LANG=C MOTCUA_RUN=" + dir.path() +
               " MOTCUA_BIN=" MOTCUA_BIN_DIR "; cd " MOTCUA_SOURCE_DIR " && . deploy/system.sh && " +
               prepare + " && system_start && { " + commands + "; }");
}

}  // namespace motcua::test
