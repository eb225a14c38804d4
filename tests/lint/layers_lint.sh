#!/bin/sh
# Checks the directions of dependence (docs/architecture.md):
#   - services/*/domain is pure: it includes no gRPC, Redis, event loop, clock or random numbers, and reads no time;
#   - no service includes a file of another one, and nothing in common/ one of services/, clients/ or tests/.
#
# Usage: layers_lint.sh ROOT       lists `file:line: text` and exits 1 when there is any.
#        layers_lint.sh --self-test
set -eu

impure='#include [<"](grpc|hiredis|uv\.h|common/(redis|async|feed|rpc|service|auth|telemetry)/|common/store/(store|session|mutate|create)\.h|common/time/clock\.h|absl/time/clock\.h|random>|chrono>|thread>|mutex>|absl/random)|absl::Now\(|time\(nullptr\)|std::random_device'

scan() {
  root=$1
  for domain in "$root"/services/*/domain; do
    [ -d "$domain" ] || continue
    grep -rnE "$impure" "$domain" || true
  done
  for service in "$root"/services/*/; do
    name=$(basename "$service")
    grep -rnE '#include "services/' "$service" | grep -vE "#include \"services/$name/" || true
  done
  grep -rnE '#include "(services|clients|tests)/' "$root/common" || true
}

if [ "${1:-}" = "--self-test" ]; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  mkdir -p "$dir/services/a/domain" "$dir/services/b" "$dir/common/c"
  printf '#include "common/redis/client.h"\nauto t = absl::Now();\n#include "common/store/decision.h"\n' > "$dir/services/a/domain/x.cc"
  printf '#include "services/a/domain/x.h"\n#include "services/b/y.h"\n' > "$dir/services/b/y.cc"
  printf '#include "services/a/x.h"\n' > "$dir/common/c/z.cc"
  found=$(scan "$dir" | wc -l)
  [ "$found" -eq 4 ] || { echo "self-test: found $found of 4"; scan "$dir"; exit 1; }
  echo "self-test passed"
  exit 0
fi

found=$(scan "$1")
if [ -n "$found" ]; then
  echo "Includes against the direction of dependence, or impure domain code:"
  echo "$found"
  exit 1
fi
echo "layers are as they should be"
