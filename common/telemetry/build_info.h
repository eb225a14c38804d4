// Which build of Motcua this program is.
//
// The values are compiled into one small file (motcua_build_info) that only programs link, so that a new
// commit rebuilds that file and links them again, and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace motcua::telemetry {

class BuildInfo {
 public:
  constexpr BuildInfo(std::string_view version, std::string_view commit, std::string_view build_type)
      : version(version), commit(commit), build_type(build_type) {}

  // `0.1.0`.
  std::string_view version;
  // The first twelve digits of the commit; `unknown` where it was built outside of a checkout.
  std::string_view commit;
  // CMake's: `RelWithDebInfo` ...
  std::string_view build_type;
};

const BuildInfo& TheBuild();

// What `--version` prints: `motcua-routing 0.1.0 (4bd53296f1c2, RelWithDebInfo)`.
inline std::string VersionLine(std::string_view program) {
  const BuildInfo& build = TheBuild();
  std::string line(program);
  line.append(" ").append(build.version).append(" (").append(build.commit).append(", ");
  return line.append(build.build_type).append(")");
}

}  // namespace motcua::telemetry
