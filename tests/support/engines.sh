# Engines of Redis for deploy/system.sh, which has one server: a primary with two replicas and three Sentinels, as
# deploy/compose.ha.yaml has them and started by the same scripts, or a cluster of three primaries with a replica each.
# Sourced after system.sh; `use_engine NAME` before system_start. Each service is its own user of Redis, and what it
# answers as done must be on a replica.
#
#   STORES             names of the processes that make up the store, to be killed and started again
#   store_kill NAME    kill -9
#   store_start NAME
#   stores_serve       whether all take part, and every primary has its replicas in step
#   refusals           what Redis refused its users; must be nothing
#   server and failover alone:
#   backup_take FILE   as deploy/backup does, without Docker
#   backup_put FILE    as deploy/restore does; nothing may run
#   failover and cluster alone:
#   primary_of KEY     name of the server that takes writes of a key now; fails where there is none
#   failover alone:
#   replaceable        whether every Sentinel knows of a replica that it may promote, see deploy/container/redis
#   promotions         how many there were, by the Sentinel that knows most
#   cluster alone:
#   move_slot KEY      moves the slot of a key to another primary, chosen by RANDOM, while it is used; MOVED says whence
# shellcheck shell=bash

ENGINE=server
STORES=(redis)
ACL=$RUN/redis-acl

# use_engine server|failover|cluster
use_engine() {
  local i
  ENGINE=$1
  [ "$ENGINE" != server ] || return 0
  STORES=()
  if [ "$ENGINE" = failover ]; then
    for i in 1 2 3; do STORES+=("redis-$i"); done
    for i in 1 2 3; do STORES+=("sentinel-$i"); done
  else
    for i in 1 2 3 4 5 6; do STORES+=("node-$i"); done
  fi
  for i in "${SERVICES[@]}"; do
    # shellcheck disable=SC2034  # service_start reads it
    EXTRA_FLAGS[$i]="--redis_user=$i --redis_password_file=$ACL/$i.password --min_replicas=1"
  done
  redis_start() {
    local name
    rm -rf "$ACL" "$RUN/others"
    mkdir -p "$ACL"
    deploy/redis-acl --new "$ACL"
    for name in "${STORES[@]}"; do PORT[$name]=$(free_port); done
    "${ENGINE}_begin"
    wait_for 60 stores_serve || die "the servers of Redis do not come up; see $RUN/log"
  }
}

# as_admin NAME WORD...: asks one of them, each word an argument.
as_admin() {
  local port=${PORT[$1]}; shift
  REDISCLI_AUTH=$(cat "$ACL/admin.password") redis-cli --no-auth-warning --user admin -p "$port" "$@"
}
role_of() { as_admin "$1" role 2>/dev/null | sed -n 1p; }

primary_of() {
  local name
  if [ "$ENGINE" = cluster ]; then
    for name in "${STORES[@]}"; do
      if owner_of "$(as_admin "$name" cluster keyslot "$1" 2>/dev/null)"; then return 0; fi
    done
    return 1
  fi
  for name in "${STORES[@]:0:3}"; do
    [ "$(role_of "$name")" != master ] || { echo "$name"; return 0; }
  done
  return 1
}

store_kill() {
  # With what it has started: each is a session of its own, see spawn.
  kill -9 -- "-${PID[$1]}"
  wait "${PID[$1]}" 2>/dev/null
}
store_start() {
  case $ENGINE in
    server) redis_start ;;
    *) "${ENGINE}_one" "$1" ;;
  esac
}
stores_serve() {
  case $ENGINE in
    server) redis_answers ;;
    *) "${ENGINE}_serves" ;;
  esac
}
refusals() {
  local name
  [ "$ENGINE" != server ] || return 0
  for name in "${STORES[@]}"; do as_admin "$name" acl log; done
}

# ---------------------------------------------------------------- a primary, replicas, Sentinels
failover_begin() {
  local name
  REDIS_ADDRESS=sentinel://motcua@$(sentinel_addresses)
  for name in "${STORES[@]}"; do failover_one "$name"; done
}
sentinel_addresses() { echo "127.0.0.1:${PORT[sentinel-1]},127.0.0.1:${PORT[sentinel-2]},127.0.0.1:${PORT[sentinel-3]}"; }
# The first server's data lie where one server's do; what a restore takes away from the others, under `others`.
failover_data() { case $1 in redis-1) echo "$RUN/redis" ;; *) echo "$RUN/others/$1" ;; esac; }
failover_one() {
  local name=$1 data script=redis
  data=$(failover_data "$name")
  mkdir -p "$data"
  [[ $name != sentinel-* ]] || script=sentinel
  {
    sed -E '/^(bind|dir|aclfile) /d' deploy/redis/redis.conf
    printf 'bind 127.0.0.1\ndir "%s"\naclfile "%s"\nrepl-diskless-sync-delay 0\n' "$data" "$ACL/users.acl"
  } >"$RUN/$name.conf"
  # A second without an answer, so that a test need not wait for five: a killed process on the same machine has
  # sent all that it answered for.
  MOTCUA_SENTINELS=$(sentinel_addresses) MOTCUA_NODE=127.0.0.1:${PORT[$name]} MOTCUA_SECRETS=$ACL MOTCUA_DATA=$data \
    MOTCUA_REDIS_CONF=$RUN/$name.conf MOTCUA_FIRST_PRIMARY=127.0.0.1:${PORT[redis-1]} MOTCUA_DOWN_AFTER=1000 \
    spawn "$name" sh "deploy/container/$script" 9>&-  # what it starts may outlive it by a moment, and does not keep the lock
}
failover_serves() {
  local name role named primaries=0 primary=''
  for name in "${STORES[@]:0:3}"; do
    role=$(role_of "$name")
    case $role in
      master) primaries=$((primaries + 1)) primary=$name ;;
      slave) as_admin "$name" info replication | grep '^master_link_status:up' >/dev/null || return 1 ;;
      *) return 1 ;;
    esac
  done
  [ $primaries = 1 ] || return 1
  for name in "${STORES[@]:3}"; do
    named=$(as_admin "$name" sentinel get-master-addr-by-name motcua 2>/dev/null | tail -n 1)
    [ "$named" = "${PORT[$primary]}" ] || return 1
  done
}
# Both replicas say that they may take over (a Sentinel believes so of one that it has not asked yet), and all Sentinels
# know of them.
replaceable() {
  local name
  for name in "${STORES[@]:3}"; do
    [ "$(as_admin "$name" sentinel replicas motcua 2>/dev/null | grep -cx name)" = 2 ] || return 1
  done
  for name in "${STORES[@]:1:2}"; do
    as_admin "$name" info replication | tr -d '\r' | grep -x 'slave_priority:100' >/dev/null || return 1
  done
}
promotions() {
  local name
  for name in "${STORES[@]:3}"; do
    as_admin "$name" sentinel master motcua 2>/dev/null | grep -A 1 -x config-epoch | tail -n 1
  done | sort -n | tail -n 1
}

# ---------------------------------------------------------------- a cluster
cluster_begin() {
  local name addresses=()
  for name in "${STORES[@]}"; do
    PORT["bus.$name"]=$(free_port)
    cluster_one "$name"
    addresses+=("127.0.0.1:${PORT[$name]}")
  done
  as_admin node-1 --cluster create "${addresses[@]}" --cluster-replicas 1 --cluster-yes >"$RUN/log/create.log" 2>&1 ||
    { cat "$RUN/log/create.log"; die "creating the cluster failed"; }
  # Two of them are enough to find the others.
  # shellcheck disable=SC2034  # service_start reads it
  REDIS_ADDRESS=cluster://${addresses[0]},${addresses[1]}
}
cluster_one() {
  local name=$1
  mkdir -p "$RUN/others/$name"
  spawn "$name" redis-server --set-proc-title no --port "${PORT[$name]}" --bind 127.0.0.1 \
    --dir "$RUN/others/$name" --daemonize no --appendonly yes --appendfsync always --save '' \
    --aclfile "$ACL/users.acl" --masteruser replication --masterauth "$(cat "$ACL/replication.password")" \
    --min-replicas-to-write 1 --min-replicas-max-lag 10 --latency-tracking no --slowlog-log-slower-than -1 \
    --cluster-enabled yes --cluster-port "${PORT["bus.$name"]}" --cluster-node-timeout 2000 --repl-diskless-sync-delay 0
  wait_up "$name" node_answers "$name"
}
node_answers() { [ "$(as_admin "$1" ping)" = PONG ]; }
cluster_serves() {
  local name info
  for name in "${STORES[@]}"; do
    as_admin "$name" cluster info | grep 'cluster_state:ok' >/dev/null || return 1
    info=$(as_admin "$name" info replication)
    grep -qE 'state=online|master_link_status:up' <<<"$info" || return 1
  done
}
# owner_of SLOT: name of the primary that has it.
owner_of() {
  local name
  [ -n "$1" ] || return 1
  for name in "${STORES[@]}"; do
    as_admin "$name" cluster nodes 2>/dev/null | awk -v slot="$1" '
      $3 ~ /myself/ && $3 ~ /master/ && $3 !~ /fail/ {
        for (i = 9; i <= NF; ++i) if (split($i, r, "-") && $i !~ /^\[/ && slot >= r[1] && slot <= r[length(r)]) found = 1
      }
      END { exit !found }' && echo "$name" && return 0
  done
  return 1
}
move_slot() {
  local slot from to name others=() id_from id_to
  wait_for 60 stores_serve || die "the cluster does not serve"
  slot=$(as_admin node-1 cluster keyslot "$1")
  from=$(owner_of "$slot") || die "nobody has slot $slot"
  for name in "${STORES[@]}"; do
    [ "$name" = "$from" ] || [ "$(role_of "$name")" != master ] || others+=("$name")
  done
  to=${others[$((RANDOM % ${#others[@]}))]}
  id_from=$(as_admin "$from" cluster myid) id_to=$(as_admin "$to" cluster myid)
  as_admin "$to" cluster setslot "$slot" importing "$id_from" >/dev/null
  as_admin "$from" cluster setslot "$slot" migrating "$id_to" >/dev/null
  python3 tests/support/move_keys.py "${PORT[$from]}" "$slot" "${PORT[$to]}" "$ACL/admin.password" ||
    die "moving slot $slot from $from to $to failed"
  for name in "$to" "$from" "${others[@]}"; do as_admin "$name" cluster setslot "$slot" node "$id_to" >/dev/null; done
  # shellcheck disable=SC2034  # callers read it
  MOVED="$from to $to"
}

# ---------------------------------------------------------------- backups
backup_take() {
  if [ "$ENGINE" = server ]; then
    # Otherwise it waits for more replicas to come.
    redis-cli -s "$REDIS_SOCKET" config set repl-diskless-sync-delay 0 >/dev/null &&
      redis-cli -s "$REDIS_SOCKET" --rdb "$1" >"$RUN/log/backup.log" 2>&1
  else
    MOTCUA_SENTINELS=$(sentinel_addresses) MOTCUA_SECRETS=$ACL MOTCUA_SNAPSHOTS=$RUN \
      sh deploy/container/snapshot >"$1" 2>"$RUN/log/backup.log"
  fi
}
backup_put() {
  MOTCUA_DATA=$RUN/redis MOTCUA_OTHERS=$RUN/others sh deploy/container/load --replace <"$1" >"$RUN/log/restore.log" 2>&1
}
