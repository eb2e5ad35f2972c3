#!/bin/sh
# The x86-64 switch carries the mark of indirect branch tracking, not that of the shadow stack, and
# asks for no executable stack.
set -eu
: "${CC:=cc}" "${TEST_TMP:=$(mktemp -d)}"
[ "$(uname -m)" = x86_64 ] || { echo 'skipped: not x86-64'; exit 77; }
command -v readelf >/dev/null || { echo 'skipped: readelf is not installed'; exit 77; }
"$CC" -c coro/switch_x86_64.S -o "$TEST_TMP/switch.o"
readelf -n "$TEST_TMP/switch.o" >"$TEST_TMP/notes"
grep -q 'x86 feature: IBT$' "$TEST_TMP/notes" || { cat "$TEST_TMP/notes"; exit 1; }
! grep -q SHSTK "$TEST_TMP/notes"
readelf -SW "$TEST_TMP/switch.o" | grep GNU-stack | grep -qv X
