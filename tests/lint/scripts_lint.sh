#!/usr/bin/env bash
# Checks every script of deploy/, tests/ and clients/: bash and ShellCheck (Debian's shellcheck, where it is installed) find
# nothing wrong; under pipefail no pipe ends in what leaves off reading, such as head or grep -q: now and then whoever
# writes into it is killed (141), and the script with it; and what users start answers --help with exit status 0 and an
# unknown argument with 2 and one line that says so, without touching anything.
#
# Usage: scripts_lint.sh ROOT
#        scripts_lint.sh --self-test
set -uo pipefail

# Every file with a shell's first line, or whose name ends in .sh.
scripts() {
  local file
  find "$1/deploy" "$1/tests" "$1/clients" -type f -not -path '*/node_modules/*' | LC_ALL=C sort | while read -r file; do
    if [[ $file == *.sh ]] || head -n 1 "$file" | LC_ALL=C grep -aqE '^#!.*[/ ](ba)?sh$'; then echo "$file"; fi
  done
}

# What users start: the executables right in deploy/, and those that are called run.
commands() {
  local file
  scripts "$1" | while read -r file; do
    if [[ $file == "$1"/deploy/* && ${file#"$1"/deploy/} != */* && -x $file || $file == */run ]]; then echo "$file"; fi
  done
}

# Prints what is wrong, a line each.
scan() {
  local root=$1 file out empty status all
  mapfile -t all < <(scripts "$root")
  for file in "${all[@]}"; do
    bash -n "$file" 2>&1 | sed -n 1p
  done
  if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning --format=gcc "${all[@]}"
  fi
  for file in "${all[@]}"; do
    grep -q pipefail "$file" || [[ $file == *.sh ]] || continue
    grep -nE '^[^#]*[^|][|] *(head|grep +-[a-zA-Z]*q)' "$file" | sed "s|^|$file:|; s|\$|   <- ends while others write|"
  done
  # A directory and a PATH in which a script that goes on would be noticed.
  empty=$(mktemp -d)
  while read -r file; do
    out=$(cd "$empty" && MOTCUA_RUN=$empty/run timeout 20 "$file" --help 2>&1 </dev/null)
    status=$?
    [ $status = 0 ] || echo "$file: --help ends with $status"
    grep -qF "$(basename "$(dirname "$file")")/$(basename "$file")" <<<"$out" || [ "$(wc -l <<<"$out")" -ge 2 ] ||
      echo "$file: --help says nothing"
    out=$(cd "$empty" && MOTCUA_RUN=$empty/run timeout 20 "$file" --no-such-argument 2>&1 </dev/null)
    status=$?
    [ $status = 2 ] || echo "$file: an unknown argument ends with $status instead of 2"
    [ "$(wc -l <<<"$out")" = 1 ] && [[ $out == *--no-such-argument* && $out == *--help* ]] ||
      echo "$file: of an unknown argument it says: $(head -n 1 <<<"$out")"
    [ -z "$(ls -A "$empty")" ] || { echo "$file: has made $(ls -A "$empty")"; rm -rf "${empty:?}"/*; }
  done < <(commands "$root")
  rm -rf "$empty"
}

if [ "${1:-}" = --self-test ]; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  mkdir -p "$dir/deploy" "$dir/tests/x" "$dir/clients"
  printf '#!/bin/sh\n[ "$1" = --help ] && { echo "deploy/good does good"; exit 0; }\necho "deploy/good: unknown argument $1; try deploy/good --help" >&2\nexit 2\n' >"$dir/deploy/good"
  printf '#!/bin/sh\nmkdir "$MOTCUA_RUN"\n' >"$dir/deploy/careless"
  printf '#!/bin/bash\nif true; then\n' >"$dir/tests/x/run"
  printf '#!/bin/bash\nset -o pipefail\nlast=$(seq 9 | head -n 1)\nfirst=$(seq 9 | sed -n 1p)\n' >"$dir/tests/x/part.sh"
  printf 'no script, and if true; then\n' >"$dir/deploy/notes.txt"
  chmod +x "$dir"/deploy/* "$dir/tests/x/run"
  found=$(scan "$dir")
  for wanted in 'tests/x/run: line .*: syntax error' 'careless: an unknown argument ends with 1' 'careless: has made run' \
    'careless: --help says nothing' 'part.sh:3:.*ends while others write'; do
    grep -q "$wanted" <<<"$found" || { echo "self-test: not found: $wanted"; echo "$found"; exit 1; }
  done
  ! grep -qE 'good:|notes|part.sh:4:first.*ends' <<<"$found" || { echo "self-test: false alarm"; echo "$found"; exit 1; }
  echo "self-test passed"
  exit 0
fi

found=$(scan "$1")
if [ -n "$found" ]; then
  echo "Scripts that are not as they should be:"
  echo "$found"
  exit 1
fi
command -v shellcheck >/dev/null || echo "shellcheck is not installed: only bash -n looked at the syntax"
echo "$(scripts "$1" | wc -l) scripts are as they should be, $(commands "$1" | wc -l) of them commands"
