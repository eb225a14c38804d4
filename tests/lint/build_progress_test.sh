#!/usr/bin/env bash
# deploy/build tells its progress at once where the output is no terminal, every 25th step of the rest, and errors whole.
# A ninja of our own stands in; it does not go on until its first step has been seen.
#
# Usage: build_progress_test.sh ROOT
set -uo pipefail
root=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*"; cat "$dir/out"; exit 1; }

mkdir -p "$dir/tree/build" "$dir/bin"
cp -r "$root/deploy" "$dir/tree"
touch "$dir/tree/build/build.ninja"
cat >"$dir/bin/ninja" <<'NINJA'
#!/usr/bin/env bash
echo "[1/60] first"
for _ in $(seq 400); do [ -e "$SEEN" ] && break; sleep 0.05; done
[ -e "$SEEN" ] || { echo "nobody saw the first step"; exit 9; }
for i in $(seq 2 59); do echo "[$i/60] step"; done
printf 'FAILED: x.o\n  In file x.cc:\n[not a step] x.cc:1: error: 100%% wrong\\n\n'
echo "[60/60] last"
printf 'ninja: build stopped'
exit 1
NINJA
chmod +x "$dir/bin/ninja"
export SEEN=$dir/seen
PATH=$dir/bin:$PATH "$dir/tree/deploy/build" all >"$dir/out" 2>&1 &
build=$!
for _ in $(seq 400); do
  grep -qxF '[1/60] first' "$dir/out" && break
  kill -0 $build 2>/dev/null || break
  sleep 0.05
done
grep -qxF '[1/60] first' "$dir/out" && touch "$SEEN"
wait $build
[ $? = 1 ] || fail "a failed build is no success"
cat >"$dir/wanted" <<'WANTED'
Building all ...
[1/60] first
[26/60] step
[51/60] step
FAILED: x.o
  In file x.cc:
[not a step] x.cc:1: error: 100% wrong\n
ninja: build stopped
deploy/build: building failed; the lines above say where
WANTED
# Where the machine is so slow that ten seconds pass, there are more steps than these; never fewer lines.
diff "$dir/wanted" "$dir/out" >"$dir/difference" || ! grep -q '^<' "$dir/difference" || fail "$(cat "$dir/difference")"
[ "$(wc -l <"$dir/tree/build/build.log")" = 63 ] || fail "build.log does not have all"
echo "passed"
