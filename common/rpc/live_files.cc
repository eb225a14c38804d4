#include "common/rpc/live_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"

namespace motcua::rpc {
namespace {

struct Refusals {
  absl::Mutex mutex;
  std::map<std::string, bool> refused ABSL_GUARDED_BY(mutex);
};

Refusals& TheRefusals() {
  static auto* refusals = new Refusals();
  return *refusals;
}

void Append(std::string& signature, const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    absl::StrAppend(&signature, path, " absent\n");
    return;
  }
  absl::StrAppend(&signature, path, " ", file.st_dev, " ", file.st_ino, " ", file.st_size, " ");
  absl::StrAppend(&signature, file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec, "\n");
}

}  // namespace

LiveFiles::LiveFiles(std::string what, std::vector<std::string> paths)
    : what_(std::move(what)), paths_(std::move(paths)), signature_(Signature()) {
  Refusals& refusals = TheRefusals();
  absl::MutexLock lock(&refusals.mutex);
  refusals.refused.try_emplace(what_, false);
}

std::string LiveFiles::Signature() const {
  std::string signature;
  for (const std::string& path : paths_) {
    if (path.empty()) continue;
    Append(signature, path);
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) continue;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) Append(signature, file);
  }
  return signature;
}

bool LiveFiles::Changed(absl::Time now) {
  if (now < looked_at_ + kLook && now >= looked_at_) return false;
  looked_at_ = now;
  std::string signature = Signature();
  return std::exchange(signature_, signature) != signature;
}

void LiveFiles::Tell(const absl::Status& read) {
  bool refused_before;
  {
    Refusals& refusals = TheRefusals();
    absl::MutexLock lock(&refusals.mutex);
    refused_before = std::exchange(refusals.refused[what_], !read.ok());
  }
  if (read.ok()) {
    telemetry::Log(telemetry::Level::kInfo, "credentials were renewed", {{"what", what_}});
  } else if (!refused_before) {
    telemetry::Log(
        telemetry::Level::kError, "new credentials are no good; the old ones stay in force",
        {{"what", what_}, {"reason", errors::Reason(read)}, {"error", std::string(read.message())}});
  }
}

std::map<std::string, bool> RefusedFiles() {
  Refusals& refusals = TheRefusals();
  absl::MutexLock lock(&refusals.mutex);
  return refusals.refused;
}

}  // namespace motcua::rpc
