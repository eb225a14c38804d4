# What the Sentinels of an installation say, for the scripts beside this one; sourced.
#
#   MOTCUA_SENTINELS   host[:port],...  all of them (port 26379)
#   MOTCUA_SECRETS     where replication.password is (default /secrets)
# shellcheck shell=sh

secrets=${MOTCUA_SECRETS:-/secrets}

# host_of ADDRESS, port_of ADDRESS DEFAULT
host_of() { echo "${1%:*}"; }
port_of() { case $1 in *:*) echo "${1##*:}" ;; *) echo "$2" ;; esac; }

all_sentinels() { echo "$MOTCUA_SENTINELS" | tr , ' '; }
number_of_sentinels() { all_sentinels | wc -w; }

# ask_sentinel ADDRESS WORD...: one that does not answer in time is passed over.
ask_sentinel() {
  sentinel=$1; shift
  REDISCLI_AUTH=$(cat "$secrets/replication.password") timeout 2 redis-cli -e --no-auth-warning --user replication \
    -h "$(host_of "$sentinel")" -p "$(port_of "$sentinel" 26379)" sentinel "$@" 2>/dev/null
}

# Of pairs of lines on the input: the value of NAME.
field() { awk -v name="$1" 'NR % 2 { key = $0; next } key == name { print }'; }

# Prints `epoch host port sentinel` of the primary as the one Sentinel says that knows the latest promotion; it fails
# unless more than half of them answer, because those cut off with an old primary know no better.
primary_named() {
  answered=0 latest=-1 named=''
  for each in $(all_sentinels); do
    address=$(ask_sentinel "$each" get-master-addr-by-name motcua | paste -sd ' ')
    epoch=$(ask_sentinel "$each" master motcua | field config-epoch)
    if [ -z "$address" ] || [ -z "$epoch" ]; then continue; fi
    answered=$((answered + 1))
    if [ "$epoch" -gt "$latest" ]; then latest=$epoch named="$epoch $address $each"; fi
  done
  [ $((2 * answered)) -gt "$(number_of_sentinels)" ] && echo "$named"
}

# priority_of HOST PORT: as the server itself says, 0 where it does not answer.
priority_of() {
  priority=$(REDISCLI_AUTH=$(cat "$secrets/replication.password") timeout 2 redis-cli -e --no-auth-warning --user replication \
    -h "$1" -p "$2" info replication 2>/dev/null | tr -d '\r' | sed -n 's/^slave_priority://p')
  echo "${priority:-0}"
}

# replicas_of SENTINEL: a line `address promotable` or `address -` for each replica that it knows. Promotable is one that it
# may make the primary: it lives, and its priority is not 0. What Sentinel knows of priorities may be ten seconds old, and
# is looked at anew before it promotes: so the replicas are asked.
replicas_of() {
  ask_sentinel "$1" replicas motcua | awk '
    NR % 2 { key = $0; next }
    key == "name" { if (name != "") print name, ip, port, down; name = $0; down = 0 }
    key == "ip" { ip = $0 }
    key == "port" { port = $0 }
    key == "flags" && /down|disconnected/ { down = 1 }
    END { if (name != "") print name, ip, port, down }' |
    while read -r replica ip port down; do
      state=-
      [ "$down" = 1 ] || [ "$(priority_of "$ip" "$port")" = 0 ] || state=promotable
      echo "$replica $state"
    done
}
