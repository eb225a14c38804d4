#!/bin/sh
# Finds what GCC 12 miscompiles without a warning: a `{` or a `[` after `co_await` in the same statement. A temporary
# of aggregate type (a capturing lambda, a struct made with braces) that lives in a co_await statement is copied bit
# by bit into the coroutine's frame: double free, use after free. Name the temporary first, then move it in:
#
#   auto on_row = [rows](Row row) { ... };
#   co_await ForEach(std::move(on_row));
#
# And a `co_await` in an arm of `?:`, whose result is destroyed twice (seen at -O2; AddressSanitizer does not see it):
# write if and else.
#
# Usage: co_await_lint.sh PATH...   lists `file:line: statement` and exits 1 when there is any.
#        co_await_lint.sh --self-test
#
# A statement ends at its `;`, or at the `{` of the block it heads: `if (co_await F()) {`. So a brace counts when it is
# inside the parentheses that were open at `co_await`, or when anything but `)` stands between. Comments and literals
# are skipped; an index, `results[i]`, is flagged too: it is easily named, and cannot be told from a capture safely.
set -eu

scan() {
  find "$@" -type f \( -name '*.h' -o -name '*.cc' \) -print | LC_ALL=C sort | while read -r file; do
    awk -v file="$file" '
      # Blanks out comments, strings and character literals, keeping the line structure.
      function code_of(line,    out, i, c, two) {
        out = ""
        for (i = 1; i <= length(line); ++i) {
          c = substr(line, i, 1)
          two = substr(line, i, 2)
          if (in_raw != "") {
            if (substr(line, i, length(in_raw)) == in_raw) { i += length(in_raw) - 1; in_raw = "" }
          } else if (in_comment) {
            if (two == "*/") { in_comment = 0; ++i }
          } else if (two == "//") {
            break
          } else if (two == "/*") {
            in_comment = 1; ++i
          } else if (two == "R\"" && out !~ /[A-Za-z0-9_]$/) {
            match(substr(line, i + 2), /^[^(]*/)
            in_raw = ")" substr(line, i + 2, RLENGTH) "\""
            i += 2 + RLENGTH
          } else if (c == "\"" || (c == "\047" && out !~ /[0-9A-Fa-f]$/)) {
            for (++i; i <= length(line) && substr(line, i, 1) != c; ++i) if (substr(line, i, 1) == "\\") ++i
            out = out "0"
          } else {
            out = out c
          }
        }
        return out
      }
      BEGIN { awaiting = 0; arm = 0; in_comment = 0; in_raw = "" }
      {
        code = code_of($0)
        for (i = 1; i <= length(code); ++i) {
          c = substr(code, i, 1)
          if (!awaiting) {
            if (c == "?") arm = 1
            if (c ~ /[;{}]/) arm = 0
            if (substr(code, i, 8) != "co_await") continue
            if (i > 1 && substr(code, i - 1, 1) ~ /[A-Za-z0-9_]/) continue
            if (substr(code, i + 8, 1) ~ /[A-Za-z0-9_]/) continue
            if (substr(code, 1, i - 1) ~ /operator[ \t]*$/) continue
            if (arm) {
              text = $0
              sub(/^[ \t]+/, "", text)
              printf "%s:%d: %s\n", file, NR, text
              arm = 0
              i += 7
              continue
            }
            awaiting = 1; depth = 0; closed = 0; start = NR; text = $0
            i += 7
            continue
          }
          if (c == ";") { awaiting = 0; continue }
          if (c == "(") { ++depth; closed = 0 }
          else if (c == ")") { --depth; if (depth < 0) closed = 1 }
          else if (c == "[" || (c == "{" && !closed)) {
            sub(/^[ \t]+/, "", text)
            printf "%s:%d: %s\n", file, start, text
            awaiting = 0
          } else if (c == "{") { awaiting = 0 }
          else if (c !~ /[ \t]/) closed = 0
        }
      }' "$file"
  done
}

if [ "${1:-}" = "--self-test" ]; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  cat > "$dir/bad.cc" <<'BAD'
co_await F([p] { return *p; });
co_await F(Options{.timeout = 3});
co_await F({a, b});
co_await F(first,
           second(),
           [&] { return 1; });
auto x = co_await G(std::function<int()>([p] { return 1; }));
if (co_await F(Pair{1, 2})) {
co_await tasks[i];
return H(co_await F(a), Pair{1, 2});
for (auto& x : co_await F({1})) {
G((co_await F(a)).x, Pair{1, 2});
auto y = late ? co_await F(a)
              : Zero();
BAD
  cat > "$dir/good.cc" <<'GOOD'
auto f = [p] { return *p; };
co_await F(std::move(f));
if (auto r = co_await F(a, b()); r.ok()) { return r; }
if (co_await F(a)) {
  g(x[1], Pair{1, 2});
}
while ((co_await F(a)).ok()) { a[0] = 1; }
for (auto& x : co_await F(a)) { y[0] = x; }
co_await F("{[", '{', '[');  // co_await F({a})
/* co_await F({a});
   co_await F([] {}); */
Awaiter operator co_await() && noexcept { return Awaiter(coroutine_[0]); }
const char* text = R"(co_await F({a});)";
co_await F(1'000'000); x[0] = 1;
my_co_await F({a});
auto z = late ? a : b; auto w = co_await F(z);
GOOD
  found=$(scan "$dir/bad.cc" | wc -l)
  expected=11
  if [ "$found" -ne "$expected" ]; then
    echo "self-test: found $found of $expected bad statements:"
    scan "$dir/bad.cc"
    exit 1
  fi
  false_alarms=$(scan "$dir/good.cc")
  if [ -n "$false_alarms" ]; then
    echo "self-test: good statements flagged:"
    echo "$false_alarms"
    exit 1
  fi
  echo "self-test passed: $expected bad statements found, no good one flagged"
  exit 0
fi

found=$(scan "$@")
if [ -n "$found" ]; then
  echo "A brace or bracket after co_await in the same statement, or co_await in an arm of ?: GCC 12 miscompiles both."
  echo "Name the temporary (or the element) before the co_await statement."
  echo "$found"
  exit 1
fi
echo "no brace or bracket after co_await in the same statement"
