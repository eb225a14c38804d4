#include "tests/support/temp_dir.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace motcua::test {

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  // A Unix socket's path has 107 characters; a longer base leaves none for the name.
  if (base == nullptr || *base == '\0' || std::string_view(base).size() > 60) base = "/tmp";
  path_ = std::string(base) + "/motcua-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    std::perror("cannot make a temporary directory");
    std::abort();
  }
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace motcua::test
