// TempDir: a directory for one test, removed with everything in it. Its path is short enough for Unix sockets.
#pragma once

#include <string>
#include <string_view>

namespace motcua::test {

class TempDir {
 public:
  // Under $TMPDIR or /tmp; ends the process when that cannot be written.
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace motcua::test
