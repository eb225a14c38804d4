# Functions around Docker Compose, sourced by deploy/connect, backup, restore and upgrade. They act on the project of
# deploy/: .env, COMPOSE_FILE and COMPOSE_PROJECT_NAME say which files and which installation, as they do for
# docker-compose itself.
# shellcheck shell=bash

# shellcheck source=deploy/script.sh
. "$(dirname "${BASH_SOURCE[0]}")/script.sh"
SERVICES=(intake routing deadline-monitor notification)

# find_compose: version 2's `docker compose`, else version 1's docker-compose.
find_compose() {
  docker version >/dev/null 2>&1 || die "no Docker engine answers: start it, or apt-get install docker.io docker-compose"
  if docker compose version >/dev/null 2>&1; then COMPOSE=(docker compose)
  elif command -v docker-compose >/dev/null; then COMPOSE=(docker-compose)
  else die "Docker Compose is missing: apt-get install docker-compose"
  fi
}

compose() { (cd "$ROOT/deploy" && "${COMPOSE[@]}" "$@"); }

# quietly WHAT COMMAND...: its output only where it fails.
quietly() {
  local what=$1 log; shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then rm -f "$log"; return 0; fi
  tail -15 "$log" >&2; rm -f "$log"
  die "$what failed; the lines above say why"
}

# Ids of a service's containers, running or not.
containers() { compose ps -q "$1"; }

# The files that make up the installation, as docker-compose finds them: a line each.
compose_files() {
  local files=${COMPOSE_FILE:-}
  [ -n "$files" ] || files=$(sed -n 's/^COMPOSE_FILE=//p' "$ROOT/deploy/.env" 2>/dev/null | tail -n 1 | tr -d "\"'")
  tr : '\n' <<<"${files:-compose.yaml}"
}

# The servers of Redis of this installation, and its Sentinels (compose.ha.yaml), by their services' names.
servers() { compose config --services | grep -xE 'redis(-[0-9]+)?' | sort; }
sentinels() { compose config --services | grep -xE 'sentinel-[0-9]+' | sort; }

healthy() {
  local id; local -a ids
  mapfile -t ids < <(containers "$1")
  [ ${#ids[@]} -gt 0 ] || return 1
  for id in "${ids[@]}"; do
    [ "$(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$id" 2>/dev/null)" = healthy ] || return 1
  done
}

# Ids of the healthy containers of several services.
healthy_ones() {
  local service id
  for service; do
    for id in $(containers "$service"); do
      [ "$(docker inspect --format '{{.State.Health.Status}}' "$id" 2>/dev/null)" != healthy ] || echo "$id"
    done
  done
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$deadline" ] || die "$what: not after waiting for it; look at: docker-compose ps; docker-compose logs"
    sleep 0.2
  done
}

await_services() {
  local service
  for service in "${SERVICES[@]}"; do await "${MOTCUA_WAIT:-120}" "$service is not healthy" healthy "$service"; done
}

# has_image SERVICE: makes the image of a step where it is missing. `run` does so as well, but version 1's tells of it on
# standard output, amid what the step itself writes there.
has_image() { quietly "making the image of $1" compose run --rm -T --no-deps --entrypoint true "$1" </dev/null; }

# is_snapshot FILE: it begins as one of Redis does.
is_snapshot() { [ "$(head -c 5 "$1" | tr -d '\0')" = REDIS ]; }

# The client, inside.
client() { compose run --rm -T motcua "$@" </dev/null; }
