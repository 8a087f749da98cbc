#!/usr/bin/env bash
# Runs the test programs given as arguments, one after the other; shows the whole output
# of those that fail and one line of those that pass; ends with cmocka's totals added up.
# Exit status 1 if any test failed or a program ended without cmocka's closing line.
set -u
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-suppressions=$PWD/tests/tsan.supp second_deadlock_stack=1}"
passed=0 failed=0 skipped=0
count() { sed -n "s/^\[  $1 *\] \([0-9]*\) test(s).*/\1/p" "$log" | head -n 1; }
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
for program in "$@"; do
  start=$(date +%s%N)
  timeout "${TEST_TIMEOUT:-300}" "$program" >"$log" 2>&1
  status=$?
  ms=$((($(date +%s%N) - start) / 1000000))
  p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
  if [ "$status" -ne 0 ] || [ -z "$p" ]; then
    [ "${f:-0}" -gt 0 ] || f=1
    printf '  FAIL    %s (exit status %d)\n' "$program" "$status"
    sed 's/^/    /' "$log"
  else
    printf '  ok      %-44s %4d tests %7d ms\n' "${program#"${BUILD:-build}"/tests/}" "$p" "$ms"
    grep -E '^\[  SKIPPED \] [a-z]|^note: ' "$log" | sort -u | sed 's/^/          /'
  fi
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
