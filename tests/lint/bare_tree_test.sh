#!/usr/bin/env bash
# Checks that the sources without tests/ are a whole tree: it configures with MOTCUA_TESTS=OFF though GoogleTest and
# Google Benchmark are not to be found, and no target lacks a file. Container images are built from such a tree.
#
# Usage: bare_tree_test.sh ROOT
set -euo pipefail

root=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/source/deploy"
cp "$root/CMakeLists.txt" "$dir/source"
cp -r "$root"/{proto,common,services,clients} "$dir/source"
cp -r "$root/deploy/reference" "$dir/source/deploy"
cmake -S "$dir/source" -B "$dir/build" -G Ninja -DMOTCUA_TESTS=OFF \
  -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON >"$dir/log" 2>&1 ||
  { cat "$dir/log"; exit 1; }

# What is needed must be there already or be the output of a step.
cd "$dir/build"
ninja -t targets all | sed 's/: [^:]*$//' | LC_ALL=C sort -u >"$dir/made"
ninja -t inputs all | LC_ALL=C sort -u >"$dir/needed"
LC_ALL=C comm -13 "$dir/made" "$dir/needed" >"$dir/sources"
grep -q "$dir/source/common" "$dir/sources" || { echo "no source file is needed: what is being looked at?"; exit 1; }
missing=0
while read -r file; do
  [ -e "$file" ] || { echo "needed and not there: $file"; missing=1; }
done <"$dir/sources"
[ "$missing" = 0 ] || exit 1
echo "the tree without tests is whole: $(wc -l <"$dir/sources") files"
