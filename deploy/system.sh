# Functions that start and stop a private Motcua on the loopback; sourced by deploy/run, tests/faults/run and
# tests/bench/run. Everything lives under $RUN (default build/run): data, credentials, ports, logs, process ids.
# Only processes started here are ever stopped, by their process id: our own children, and those that a run which was
# killed has entered in $RUN/processes (see deploy/processes.sh).
# shellcheck shell=bash

# shellcheck source=deploy/script.sh
. "$(dirname "${BASH_SOURCE[0]}")/script.sh"
# shellcheck source=deploy/processes.sh
. "$ROOT/deploy/processes.sh"
BIN=${MOTCUA_BIN:-$ROOT/build/bin}
RUN=${MOTCUA_RUN:-$ROOT/build/run}
SERVICES=(intake routing deadline-monitor notification)
# Of each service so many replicas: NAME, NAME.2, NAME.3 ... Callers may set it before system_start.
REPLICAS=${REPLICAS:-1}
# Flags for every service, as an array that callers may extend before system_start.
SERVICE_FLAGS=(--simulated_time --simulated_start=2000-01-01T00:00:00Z)
# Of Redis; elsewhere than under $RUN where that is too long, see choose_socket.
REDIS_SOCKET=$RUN/redis.sock
# What the services are told, where that is not this socket.
REDIS_ADDRESS=
declare -A PID PORT EXTRA_FLAGS

# A loopback port that nothing listens on, below the range of outgoing connections.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    [[ " ${PORT[*]:-} " == *" $port "* ]] && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  die "no free loopback port found; is the machine out of ports?"
}

# Waits up to $1 seconds for the command that follows.
wait_for() {
  local deadline=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

alive() { [ -n "${PID[$1]:-}" ] && kill -0 "${PID[$1]}" 2>/dev/null; }

# die_with_log NAME WHAT: the end of what NAME has logged, then the error.
die_with_log() {
  tail -n 5 "$RUN/log/$1.log" | sed 's/^/  /' >&2
  die "$1 $2; above are its last lines, all are in $RUN/log/$1.log"
}

# wait_up NAME COMMAND...: waits until COMMAND succeeds, as long as NAME lives and at most 30 s.
wait_up() {
  local name=$1 deadline=$((SECONDS + 30)); shift
  while alive "$name" || die_with_log "$name" "has ended while starting"; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    [ $SECONDS -lt $deadline ] || die_with_log "$name" "is not ready after 30 s"
    sleep 0.05
  done
}

# spawn NAME PROGRAM [ARGUMENT]...: in a session of its own: Ctrl-C reaches this script alone, which then stops them in
# order. The child enters itself before it becomes the program, so that no moment is left in which it is unknown.
spawn() {
  local name=$1 program; shift
  program=$(realpath "$(command -v "$1")") || die "there is no program $1"
  { enter_process "$name" $BASHPID "$program"; exec setsid "$@"; } >>"$RUN/log/$name.log" 2>&1 &
  PID[$name]=$!
}

# A Unix socket's path has at most 107 bytes, and redis-server takes no blanks in it: where $RUN does not fit, the socket
# gets a short private directory, removed when the system stops.
choose_socket() {
  local LC_ALL=C directory
  [ ${#REDIS_SOCKET} -gt 107 ] || [[ $REDIS_SOCKET == *[[:space:]]* ]] || return 0
  directory=$(mktemp -d "${TMPDIR:-/tmp}/motcua-XXXXXX")
  REDIS_SOCKET=$directory/redis.sock
  if [ ${#REDIS_SOCKET} -gt 107 ]; then
    rmdir "$directory"
    directory=$(mktemp -d /tmp/motcua-XXXXXX)
    REDIS_SOCKET=$directory/redis.sock
  fi
  enter_socket_directory "$directory"
}

redis_answers() { [ "$(redis-cli -s "$REDIS_SOCKET" ping 2>/dev/null)" = PONG ]; }

redis_start() {
  mkdir -p "$RUN/redis"
  rm -f "$REDIS_SOCKET"
  # The title would overwrite the environment in /proc, by which leftovers are known.
  spawn redis redis-server --set-proc-title no --port 0 --unixsocket "$REDIS_SOCKET" --unixsocketperm 700 \
    --dir "$RUN/redis" --daemonize no \
    --appendonly yes --appendfsync always --save '' --lazyfree-lazy-expire yes \
    --auto-aof-rewrite-percentage 400 --auto-aof-rewrite-min-size 512mb --rdbcompression no \
    --latency-tracking no --slowlog-log-slower-than -1 --hash-max-listpack-entries 128
  wait_up redis redis_answers
}

# replicas_of SERVICE: the names of its replicas.
replicas_of() {
  local i
  echo "$1"
  for ((i = 2; i <= REPLICAS; i++)); do echo "$1.$i"; done
}

# all_replicas: of all services.
all_replicas() {
  local service
  for service in "${SERVICES[@]}"; do replicas_of "$service"; done
}

# address_of SERVICE: how it is reached, all its replicas.
address_of() {
  local name addresses=
  [ "$REPLICAS" -gt 1 ] || { echo "127.0.0.1:${PORT[$1]}"; return; }
  for name in $(replicas_of "$1"); do addresses+=",127.0.0.1:${PORT[$name]}"; done
  echo "ipv4:${addresses#,}"
}

# service_start NAME: (re)starts one replica of a service on its own port.
service_start() {
  local name=$1 service=${1%%.*} peers=() other
  for other in "${SERVICES[@]}"; do
    [ "$other" = "$service" ] || peers+=("--peer=$other=$(address_of "$other")")
  done
  local tls=()
  if [ -z "${MOTCUA_PLAINTEXT:-}" ]; then
    tls=("--tls_cert=$RUN/credentials/$service.crt" "--tls_key=$RUN/credentials/$service.key" "--tls_ca=$RUN/credentials/ca.crt")
  fi
  # shellcheck disable=SC2086
  spawn "$name" "$BIN/motcua-$service" --listen="127.0.0.1:${PORT[$name]}" --redis="${REDIS_ADDRESS:-unix:$REDIS_SOCKET}" \
    --jwt_keys="$RUN/credentials/jwt" "${tls[@]}" "${peers[@]}" "${SERVICE_FLAGS[@]}" ${EXTRA_FLAGS[$service]:-}
}

# The client waits for a service that is away; here its death is to be noticed soon.
service_ready() {
  local service=${1%%.*} variable
  variable=MOTCUA_${service%%-*}
  env "${variable^^}=127.0.0.1:${PORT[$1]}" timeout 3 "$BIN/motcua" status --service "$service"
}

wait_ready() {
  local name
  for name in $(all_replicas); do wait_up "$name" service_ready "$name"; done
}

# Exports how clients reach the system: addresses, certificates, the development signing key.
client_environment() {
  MOTCUA_INTAKE=$(address_of intake) MOTCUA_ROUTING=$(address_of routing)
  MOTCUA_DEADLINE=$(address_of deadline-monitor) MOTCUA_NOTIFICATION=$(address_of notification)
  export MOTCUA_INTAKE MOTCUA_ROUTING MOTCUA_DEADLINE MOTCUA_NOTIFICATION
  export MOTCUA_SIGNING_KEY=$RUN/credentials/jwt-private/dev.pem MOTCUA_SIGNING_KID=dev
  if [ -z "${MOTCUA_PLAINTEXT:-}" ]; then
    export MOTCUA_TLS_CA=$RUN/credentials/ca.crt MOTCUA_TLS_CERT=$RUN/credentials/client.crt
    export MOTCUA_TLS_KEY=$RUN/credentials/client.key
  fi
  export PATH=$BIN:$PATH
}

# A fresh system: empty data, four services, client environment.
system_start() {
  mkdir -p "$RUN/log"
  exec 9>"$RUN/lock"
  flock -n 9 || die_occupied
  export MOTCUA_RUN=$RUN  # by which our processes are known, see deploy/processes.sh
  rm -rf "$RUN/redis" "$RUN"/log/*
  forget_processes
  enter_process "${SCRIPT// /_}" $$ "$(readlink /proc/$$/exe)"
  "$ROOT/deploy/credentials" "$RUN/credentials" >"$RUN/log/credentials.log" 2>&1 ||
    die "making credentials failed; see $RUN/log/credentials.log"
  trap system_stop EXIT
  trap 'exit 130' INT TERM
  choose_socket
  redis_start
  local name
  for name in $(all_replicas); do PORT[$name]=$(free_port); done
  for name in $(all_replicas); do service_start "$name"; done
  client_environment
  wait_ready
}

# Stops what was started, services first; waits for each.
system_stop() {
  local name others=() services
  set +e  # runs as an exit trap: whatever fails here, the rest must be stopped too
  mapfile -t services < <(all_replicas)
  for name in "${!PID[@]}"; do
    [[ " ${services[*]} redis " == *" $name "* ]] || others+=("$name")
  done
  for name in "${others[@]}" "${services[@]}"; do
    alive "$name" && kill "${PID[$name]}" 2>/dev/null
  done
  for name in "${others[@]}" "${services[@]}" redis; do
    [ "$name" = redis ] && alive redis && kill "${PID[redis]}" 2>/dev/null
    [ -n "${PID[$name]:-}" ] || continue
    wait_for 15 gone "$name" || kill -9 "${PID[$name]}" 2>/dev/null
    wait "${PID[$name]}" 2>/dev/null
    unset "PID[$name]"
  done
  forget_processes
}

gone() { ! alive "$1"; }
