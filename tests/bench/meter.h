// What a benchmark reads off: latencies, processor time, thread switches, memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace motcua::bench {

// Latencies of one phase. Not thread-safe.
class Latencies {
 public:
  void Add(absl::Duration latency) {
    micros_.push_back(static_cast<uint32_t>(absl::ToInt64Microseconds(latency)));
  }
  size_t count() const { return micros_.size(); }
  // `q` of 0..1; zero where nothing was measured.
  absl::Duration Quantile(double q) const;

 private:
  mutable std::vector<uint32_t> micros_;
};

// What a process has used since it began.
class Usage {
 public:
  Usage() {}
  // Processor time, user and system.
  absl::Duration cpu;
  // Context switches of its living threads, voluntary and not.
  uint64_t switches = 0;
};

// The processes of the system under test and of its load, by name.
class Processes {
 public:
  // `text`: `name=pid,name=pid`. This process is added as `client`.
  static Processes Parse(const std::string& text);

  std::map<std::string, Usage> Used() const;
  // Resident memory of each in bytes, pages shared between processes divided among them, so that the sum is
  // what they take together (the kernel's Pss). Without the client.
  std::map<std::string, uint64_t> Resident() const;

 private:
  // Of replicas, several under one name.
  std::multimap<std::string, pid_t> pids_;
};

}  // namespace motcua::bench
