# The part of tests/compose/run with several servers of Redis (deploy/compose.ha.yaml): dossiers are filed while the primary
# is killed, and once more while the whole machine seems to be switched off and on. Sourced; needs the images.
# shellcheck shell=bash

# The server that the Sentinels name, by their majority.
primary() {
  docker exec "$(first sentinel-2)" sh -c '. /usr/lib/motcua/sentinels.sh; primary_named' 2>/dev/null | cut -d ' ' -f 2
}
primary_changed() { local now; now=$(primary); [ -n "$now" ] && [ "$now" != "$1" ]; }
# in_server NAME COMMAND...: redis-cli of an administrator.
in_server() {
  local name=$1; shift
  docker exec "$(first "$name")" sh -c 'REDISCLI_AUTH=$(cat /secrets/admin.password) exec redis-cli -e --no-auth-warning --user admin "$@"' - "$@"
}
is_replica() { in_server "$1" info replication | tr -d '\r' | grep -x 'master_link_status:up' >/dev/null; }
primaries() {
  local name
  for name in "${store_servers[@]}"; do in_server "$name" role 2>/dev/null | sed -n 1p; done | grep -cx master
}
whole() { [ "$(primaries)" = 1 ] && for name in "${store_servers[@]}"; do healthy "$name" && { [ "$name" = "$(primary)" ] || is_replica "$name"; } || return 1; done; }
# Only then it may be promoted, and the Sentinels know it.
promotable() { [ "$(docker exec "$(first sentinel-2)" sh -c '. /usr/lib/motcua/sentinels.sh; replicas_of sentinel-2' | grep -c promotable)" = 2 ]; }

# file_on WHO: files and accepts one dossier after the other until told to end: a line `milliseconds code` for each that was
# acknowledged. A call that fails is sent again by the client, with the same request id, for as long as its patience.
file_on() {
  local who=$1 n=0 code
  while [ ! -e "$RUN/filed-enough" ]; do
    n=$((n + 1))
    if motcua --lang en --patience 60 --as "H30.18.05-intake@H30.18.05:intake" file H30.18.05 1.004873 --name "Nguyễn Văn $who $n" \
      --accept >"$RUN/file-$who.log" 2>&1; then
      code=$(grep -oE 'H30\.[0-9.]+-[0-9]{6}-[0-9]+' "$RUN/file-$who.log" | sed -n 1p)
      echo "$(date +%s%3N) $code" >>"$RUN/filed"
    else
      { echo "call $n of $who:"; cat "$RUN/file-$who.log"; } >>"$RUN/filing-lost"
    fi
  done
}
filed() { wc -l <"$RUN/filed"; }
filed_more() { [ "$(filed)" -ge "$goal" ]; }
goes_on() { goal=$(($(filed) + $1)); until_true 120 "nothing is filed $2" filed_more; }
# The longest time in which no dossier was acknowledged.
longest_gap() { sort -n "$RUN/filed" | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { printf "%.1f", most / 1000 }'; }

# One dossier for each acknowledged code, and no other: at intake, and at the three who follow it.
count_keys() {
  local pattern name=$1; shift
  for pattern in "$@"; do in_server "$name" --scan --pattern "$pattern" | wc -l; done | paste -sd ' '
}
counted() { local n; n=$(filed); [ "$(count_keys "$(primary)" '*in:{H30}:d:H30*' '*ro:{H30}:d:H30*' '*dm:{H30}:d:H30*' '*no:{H30}:s:H30*')" = "$n $n $n $n" ]; }
accounted() {
  [ ! -s "$RUN/filing-lost" ] || { tail -n 20 "$RUN/filing-lost" >&5; failed "calls were given up $1"; }
  [ "$(awk '{ print $2 }' "$RUN/filed" | sort | uniq -d | wc -l)" = 0 ] || failed "one code for two dossiers $1"
  until_true 60 "$(filed) dossiers are acknowledged, and not as many are there $1" counted
  motcua --lang en verify H30 >"$RUN/verify-failover.txt" 2>&1 || { tail -n 8 "$RUN/verify-failover.txt" >&5; failed "verify $1"; }
}

failover_story() {
  local name old id began loads=() who
  store_servers=(redis redis-2 redis-3)
  export COMPOSE_FILE=compose.yaml:compose.ha.yaml MOTCUA_STORE_NET=198.18.$((RANDOM % 200))
  began=$(seconds)
  quiet "docker-compose up -d" compose up -d
  until_true 120 "not healthy" all_healthy
  until_true 120 "the servers of Redis are not in step" whole
  tell "three servers, three Sentinels, all healthy in $(since "$began") s; the primary is $(primary)"
  must "keys for outside" deploy/connect "$RUN/client" 2>/dev/null
  # shellcheck disable=SC1091
  . "$RUN/client/environment"
  until_true 60 "the reference data were not applied" motcua --as op@H30:admin reference show H30
  must "Sentinel without a user" refused docker exec "$(first sentinel-1)" redis-cli -e -p 26379 ping

  rm -f "$RUN/filed-enough" "$RUN/filing-lost"
  : >"$RUN/filed"
  for who in an binh chi; do file_on "$who" & loads+=($!); done
  goes_on 10 "at the beginning"
  until_true 60 "the Sentinels do not know their replicas" promotable

  old=$(primary) id=$(first "$old")
  quiet "killing $old" docker kill "$id"
  until_true 60 "no other server was promoted" primary_changed "$old"
  tell "killed $old: the Sentinels name $(primary)"
  goes_on 20 "after the fail-over"
  tell "longest time in which nothing was acknowledged: $(longest_gap) s"
  quiet "starting $old" docker start "$id"
  until_true 90 "$old did not come back as a replica" whole
  tell "$old came back as a replica of $(primary)"
  goes_on 10 "after $old came back"

  # As its container ends by itself, and is started again at once.
  until_true 60 "the Sentinels do not know their replicas" promotable
  old=$(primary)
  kill -9 "$(state '{{.State.Pid}}' "$(first "$old")")"
  until_true 90 "no other server was promoted" primary_changed "$old"
  until_true 90 "$old did not come back as a replica" whole
  tell "$old has crashed and was started again at once: $(primary) is the primary, $old a replica"
  goes_on 10 "after $old has crashed"
  tell "longest time of all in which nothing was acknowledged: $(longest_gap) s"

  touch "$RUN/filed-enough"
  wait "${loads[@]}"
  accounted "after two fail-overs"
  tell "$(filed) dossiers acknowledged, each there once in all four services; $(tail -n 1 "$RUN/verify-failover.txt")"

  # A power cut: everything at once. The primary was not the first server, and is waited for.
  old=$(primary)
  for name in "${store_servers[@]}" sentinel-1 sentinel-2 sentinel-3; do first "$name"; done >"$RUN/all-stores"
  quiet "killing all at once" xargs -n 1 -P 6 docker kill <"$RUN/all-stores"
  quiet "starting all again" xargs -n 1 -P 6 docker start <"$RUN/all-stores"
  until_true 120 "not whole after all were killed" whole
  until_true 120 "not healthy after all were killed" all_healthy
  [ "$(primary)" = "$old" ] || failed "after a power cut $(primary) is the primary, not $old"
  accounted "after a power cut"
  tell "all six killed at once and started: $old is the primary again, every dossier is there"

  quiet "the backup" deploy/backup "$RUN/backup-ha.tar"
  quiet "verifying it beside the running installation, as one server" deploy/backup --verify --no_build "$RUN/backup-ha.tar"
  # What came after it goes, with all that the other servers and the Sentinels know.
  quiet "one more dossier" motcua --as "H30.18.05-intake@H30.18.05:intake" file H30.18.05 1.004873 --name "Sau bản sao" --accept
  began=$(seconds)
  must "the restore" deploy/restore --no_build --replace "$RUN/backup-ha.tar" 2>"$RUN/restore-ha.log" >&2
  until_true 120 "not whole after the restore" whole
  [ "$(primary)" = redis ] || failed "after a restore $(primary) is the primary"
  until_true 30 "the gateway" motcua health --service intake
  accounted "after the restore"
  tell "restored into three servers in $(since "$began") s: every dossier of the backup is there, and none else"
}
