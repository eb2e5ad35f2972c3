#!/bin/sh
# main02 is a callback program, and still its fetch is straight-line code: gdb, stopped in the
# stream's read, shows the way from there through the fetch to the coroutine's entry, and ends.
set -eu
cd "$(dirname "$0")/../.."
command -v gdb >/dev/null || { echo 'skipped: gdb is not installed'; exit 77; }
. test/support/origin.sh
origin_start
cat >"$TEST_TMP/commands" <<END
break gyre__stream_pull
run
bt
END
gdb -q -batch -nx -iex 'set auto-load no' -iex 'set debuginfod enabled off' \
    -x "$TEST_TMP/commands" --args "$BUILD/examples/main02_async" "$ORIGIN/hello" "$ORIGIN/hello" \
    >"$TEST_TMP/out" 2>&1 || fail "$(cat "$TEST_TMP/out")"
if grep -qi 'ptrace: Operation not permitted' "$TEST_TMP/out"; then
    echo 'skipped: gdb may not trace here'
    exit 77
fi
grep '^#' "$TEST_TMP/out" >"$TEST_TMP/frames" || fail "no backtrace: $(cat "$TEST_TMP/out")"
cat "$TEST_TMP/frames"
if grep -qiE 'corrupt stack|previous frame|Cannot access memory|\?\?' "$TEST_TMP/out"; then
    fail 'the stack looks corrupt'
fi
# In this order, from the innermost frame outwards.
names='gyre__stream_pull|gyre__stream_fill|gyre__response_receive|run|gyre__coro_entry|main'
order=$(sed -n -E "s/.* ($names) \\(.*/\\1/p" "$TEST_TMP/frames" | tr '\n' ' ')
case $order in
'gyre__stream_pull gyre__stream_fill gyre__response_receive run gyre__coro_entry ') ;;
*) fail "the way is: $order" ;;
esac
tail -n 1 "$TEST_TMP/frames" | grep -q gyre__coro_entry || fail 'it does not end at the entry'
