# The log that tests live through, for scripts that have sourced deploy/script.sh.
# shellcheck shell=bash

# use_zone ZONE: the time zone of the log's desk; sets ZONE, for `motcua replay --zone`, and ORACLE, which tells the log's
# right figures by the dates of that zone, for `--oracle`.
use_zone() {
  # shellcheck disable=SC2034
  ZONE=$1 ORACLE="python3 '$ROOT/tests/data/log_oracle.py' --zone '$1'"
}
use_zone Asia/Ho_Chi_Minh

# own_log: sets LOG to that of the made-up district, which is made where it is missing, or older than what makes it. It
# appears whole, so that tests side by side may ask for it.
own_log() {
  LOG=$ROOT/build/district-2022.csv
  [ ! -f "$LOG" ] || [ "$ROOT/tests/data/make_log" -nt "$LOG" ] || return 0
  mkdir -p "$ROOT/build" && "$ROOT/tests/data/make_log" -o "$LOG"
}
