# What a run started, remembered in $RUN/processes so that another script can name and end it when the run itself was
# killed; sourced by deploy/system.sh.
#
# A line for each process: name, process id, start (clock ticks since boot, from /proc), boot id, program. A process is
# ours only where all of it is still true, and MOTCUA_RUN in its environment is $RUN: an id that the system has given to
# another process since is never taken for ours. A line `socket_directory` names the directory of choose_socket.
# shellcheck shell=bash

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# Start of a process; nothing where there is none.
start_of() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  read -r -a stat <<<"${stat##*) }"  # behind the name, which may hold anything: fields 3 and on
  echo "${stat[19]}"
}

# enter_process NAME PID PROGRAM
enter_process() { echo "$1 $2 $(start_of "$2") $(boot_id) $3" >>"$RUN/processes"; }

enter_socket_directory() { echo "socket_directory - - - $1" >>"$RUN/processes"; }

# Whether the process of a line is the one that was entered. The script that runs all has set MOTCUA_RUN only later.
is_ours() {
  local name=$1 pid=$2 start=$3 boot=$4 program=$5 now
  [ "$boot" = "$(boot_id)" ] && [ "$(start_of "$pid")" = "$start" ] || return 1
  now=$(readlink "/proc/$pid/exe") || return 1  # also where it has ended and nobody has asked for its status
  [ "${now% (deleted)}" = "$program" ] || return 1
  [[ $name == */* || $name == bash ]] || grep -qzxF "MOTCUA_RUN=$RUN" "/proc/$pid/environ" 2>/dev/null
}

# The lines of what still runs; with an argument, of that name only.
leftovers() {
  local name pid start boot program
  [ -e "$RUN/processes" ] || return 0
  while read -r name pid start boot program; do
    [ -z "${1:-}" ] || [ "$name" = "$1" ] || continue
    if is_ours "$name" "$pid" "$start" "$boot" "$program"; then echo "$name $pid $start $boot $program"; fi
  done <"$RUN/processes"
}

# `intake (pid 17), redis (pid 12)` of lines on the input.
in_words() { awk '{ printf "%s%s (pid %s)", (NR > 1 ? ", " : ""), $1, $2 }'; }

# Whoever keeps the lock, by its open file.
lock_holders() {
  local pid
  find /proc/[0-9]*/fd -printf '%l\t%p\n' 2>/dev/null | LOCK=$RUN/lock awk -F '\t' '$1 == ENVIRON["LOCK"] { print $2 }' |
    cut -d / -f 3 | sort -nu | while read -r pid; do echo "$(basename "$(readlink "/proc/$pid/exe")") $pid"; done
}

stop_command() {
  [ "$RUN" = "$ROOT/build/run" ] || printf 'MOTCUA_RUN=%q ' "$RUN"
  echo "deploy/run --stop"
}

# The lock is taken: says by whom, and what to do.
die_occupied() {
  local left
  exec 9>&-  # or we would count among those who have it open
  left=$(leftovers)
  if [ -z "$left" ]; then
    die "$RUN is used by $(lock_holders | in_words): stop that first, or set MOTCUA_RUN to another directory"
  elif grep -q '^[^ ]*/' <<<"$left"; then
    die "a run uses $RUN: $(in_words <<<"$left"); end it with \`$(stop_command)\`, or set MOTCUA_RUN to another directory"
  fi
  die "a run that was killed has left behind $(in_words <<<"$left"); end them with \`$(stop_command)\`"
}

# Removes the record, and the directory of a socket elsewhere.
forget_processes() {
  local directory
  [ -e "$RUN/processes" ] || return 0
  directory=$(awk '$1 == "socket_directory" { print substr($0, index($0, "/")) }' "$RUN/processes")
  rm -f "$RUN/processes"
  if [[ $directory == */motcua-?????? && -d $directory ]]; then
    rm -f "$directory/redis.sock"
    rmdir "$directory" || true
  fi
}

# end_leftovers NAME...: asks them to stop and waits for each; what has not gone after 15 s is killed.
end_leftovers() {
  local name pid rest
  for name in "$@"; do
    leftovers "$name" | while read -r _ pid rest; do kill "$pid" 2>/dev/null || true; done
  done
  for name in "$@"; do
    wait_for 15 none_left "$name" ||
      leftovers "$name" | while read -r _ pid rest; do kill -9 "$pid" 2>/dev/null || true; done
    wait_for 5 none_left "$name" || die "$name does not end"
  done
}

none_left() { [ -z "$(leftovers "$1")" ]; }

# Ends what is left of a run: exactly the processes of the record that are still the same.
stop_leftovers() {
  local left scripts
  left=$(leftovers)
  if [ -z "$left" ]; then
    if [ -e "$RUN/lock" ] && ! flock -n "$RUN/lock" true; then
      die "$RUN is used by $(lock_holders | in_words), which this did not start: stop that by hand"
    fi
    forget_processes
    say "Nothing is left of a run in $RUN."
    return 0
  fi
  say "Ending $(in_words <<<"$left") ..."
  # The script first, so that it does not take the end of its services for a fault; it stops them, too.
  mapfile -t scripts < <(awk '$1 ~ "/" { print $1 }' <<<"$left")
  local pid rest
  [ ${#scripts[@]} = 0 ] ||
    leftovers "${scripts[0]}" | while read -r _ pid rest; do kill "$pid" 2>/dev/null || true; done
  end_leftovers "${SERVICES[@]}"
  end_leftovers redis
  [ ${#scripts[@]} = 0 ] || end_leftovers "${scripts[@]}"
  forget_processes
  say "Ended."
}
