# Functions that start and stop a private Motcua on the loopback; sourced by deploy/run, tests/faults/run and
# tests/bench/run. Everything lives under $RUN (default build/run): data, credentials, ports, logs, process ids.
# Only processes started here are ever stopped, by their process id.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${MOTCUA_BIN:-$ROOT/build/bin}
RUN=${MOTCUA_RUN:-$ROOT/build/run}
SERVICES=(intake routing deadline-monitor notification)
# Flags for every service, as an array that callers may extend before system_start.
SERVICE_FLAGS=(--simulated_time --simulated_start=2000-01-01T00:00:00Z)
declare -A PID PORT EXTRA_FLAGS

say() { echo "$@" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

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

redis_answers() { [ "$(redis-cli -s "$RUN/redis.sock" ping 2>/dev/null)" = PONG ]; }

redis_start() {
  mkdir -p "$RUN/redis"
  rm -f "$RUN/redis.sock"
  # A session of its own for each process: Ctrl-C reaches this script alone, which then stops them in order.
  setsid redis-server --port 0 --unixsocket "$RUN/redis.sock" --unixsocketperm 700 --dir "$RUN/redis" --daemonize no \
    --appendonly yes --appendfsync always --save '' --lazyfree-lazy-expire yes \
    --auto-aof-rewrite-min-size 256mb --hash-max-listpack-entries 128 >>"$RUN/log/redis.log" 2>&1 &
  PID[redis]=$!
  wait_for 30 redis_answers || die "redis-server does not answer; see $RUN/log/redis.log"
}

# service_start NAME: (re)starts one service on its own port.
service_start() {
  local name=$1 peers=() other
  for other in "${SERVICES[@]}"; do
    [ "$other" = "$name" ] || peers+=("--peer=$other=127.0.0.1:${PORT[$other]}")
  done
  local tls=()
  if [ -z "${MOTCUA_PLAINTEXT:-}" ]; then
    tls=("--tls_cert=$RUN/credentials/$name.crt" "--tls_key=$RUN/credentials/$name.key" "--tls_ca=$RUN/credentials/ca.crt")
  fi
  # shellcheck disable=SC2086
  setsid "$BIN/motcua-$name" --listen="127.0.0.1:${PORT[$name]}" --redis="unix:$RUN/redis.sock" \
    --jwt_keys="$RUN/credentials/jwt" "${tls[@]}" "${peers[@]}" "${SERVICE_FLAGS[@]}" ${EXTRA_FLAGS[$name]:-} \
    >>"$RUN/log/$name.log" 2>&1 &
  PID[$name]=$!
}

service_ready() { "$BIN/motcua" status --service "$1"; }

wait_ready() {
  local name
  for name in "${SERVICES[@]}"; do
    wait_for 30 service_ready "$name" || die "motcua-$name is not ready; see $RUN/log/$name.log"
  done
}

# Exports how clients reach the system: addresses, certificates, the development signing key.
client_environment() {
  export MOTCUA_INTAKE=127.0.0.1:${PORT[intake]} MOTCUA_ROUTING=127.0.0.1:${PORT[routing]}
  export MOTCUA_DEADLINE=127.0.0.1:${PORT[deadline-monitor]} MOTCUA_NOTIFICATION=127.0.0.1:${PORT[notification]}
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
  flock -n 9 || die "another run uses $RUN; stop it first, or set MOTCUA_RUN to another directory"
  rm -rf "$RUN/redis" "$RUN"/log/*
  "$ROOT/deploy/credentials" "$RUN/credentials" >"$RUN/log/credentials.log" 2>&1 ||
    die "making credentials failed; see $RUN/log/credentials.log"
  trap system_stop EXIT
  trap 'exit 130' INT TERM
  redis_start
  local name
  for name in "${SERVICES[@]}"; do PORT[$name]=$(free_port); done
  for name in "${SERVICES[@]}"; do service_start "$name"; done
  client_environment
  wait_ready
}

# Stops what was started, services first; waits for each.
system_stop() {
  local name others=()
  set +e  # runs as an exit trap: whatever fails here, the rest must be stopped too
  for name in "${!PID[@]}"; do
    [[ " ${SERVICES[*]} redis " == *" $name "* ]] || others+=("$name")
  done
  for name in "${others[@]}" "${SERVICES[@]}"; do
    alive "$name" && kill "${PID[$name]}" 2>/dev/null
  done
  for name in "${others[@]}" "${SERVICES[@]}" redis; do
    [ "$name" = redis ] && alive redis && kill "${PID[redis]}" 2>/dev/null
    [ -n "${PID[$name]:-}" ] || continue
    wait_for 15 gone "$name" || kill -9 "${PID[$name]}" 2>/dev/null
    wait "${PID[$name]}" 2>/dev/null
    unset "PID[$name]"
  done
}

gone() { ! alive "$1"; }
