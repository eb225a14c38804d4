# What every script here and tests/*/run begins with; sourced before any cd. Gives ROOT (the source tree), SCRIPT (the
# script's name from there, for messages), and the functions below.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT_FILE=$(realpath -- "$0")
SCRIPT=${SCRIPT_FILE#"$ROOT"/}

say() { echo "$@" >&2; }
# The work failed.
die() { say "$SCRIPT: $*"; exit 1; }
# The command line is wrong; nothing was done.
refuse() { say "$SCRIPT: $*; try $SCRIPT --help"; exit 2; }
# The comment that the script begins with.
show_help() { awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$SCRIPT_FILE"; }

# Directories that the caller gives are relative to where he stands, which the scripts are about to leave.
for variable in MOTCUA_RUN MOTCUA_BIN; do
  [ -z "${!variable:-}" ] || export "$variable=$(realpath -m -- "${!variable}")"
done
unset variable

# watched LOG COMMAND...: runs COMMAND with its output in LOG, and tells every ten seconds the line it has come to.
watched() {
  local log=$1 watcher status=0
  shift
  : >"$log"
  # The sleep holds none of our output: who reads it need not wait for it.
  (while sleep 10 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do say "  $(tail -n 1 "$log" | cut -c 1-120)"; done) &
  watcher=$!
  "$@" >"$log" 2>&1 || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  return $status
}
