#!/bin/sh
# What fails is reported as such and counted, nothing hangs, and nothing is left behind.
set -u
. "$(dirname "$0")/common.sh"

# The workers and origins that this test has started.
left_behind() {
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/exe" 2>/dev/null)" != "$TEST_TMP/fetch" ] &&
            [ "$(readlink "$process/exe" 2>/dev/null)" != "$TEST_TMP/origin" ] || echo "$process"
    done
}
# Copies, so that nobody else's are found; a link would be resolved.
cp "$FETCH" "$ORIGIN" "$TEST_TMP"

# Waits until the harness has started its origin: it says so then.
until_running() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ! grep -q '; pinned: ' "$TEST_TMP/out" 2>/dev/null || return 0
        sleep 0.1
    done
    fail "the harness did not start"
}

# A server that is not there.
"$TEST_TMP/fetch" --url http://127.0.0.1:1/ --concurrencies 1,2 --rounds 2 --seconds 0.05 \
    --out "$TEST_TMP" >"$TEST_TMP/out" 2>&1 && fail "a refused port is an error"
grep -q 'ERRORS:$' "$TEST_TMP/out" || fail "errors are not named: $(cat "$TEST_TMP/out")"
grep -Eq '^  coroutine at this URL, 2 at once: [0-9]+, the first: .*refused' "$TEST_TMP/out" ||
    fail "the first error is not named: $(cat "$TEST_TMP/out")"
grep -q '"style": "coroutine".*"rps": null' "$TEST_TMP/fetch.json" || fail "a rate of nothing"

# An origin that dies in the middle.
rm "$TEST_TMP/out"
"$TEST_TMP/fetch" --styles coroutine --delays 0 --concurrencies 4 --rounds 40 --seconds 0.05 \
    --out "$TEST_TMP" >"$TEST_TMP/out" 2>&1 &
harness=$!
until_running
sleep 0.2
for process in $(left_behind); do
    [ "$(readlink "$process/exe")" != "$TEST_TMP/origin" ] || kill -9 "${process#/proc/}"
done
wait $harness && fail "a dead origin is an error"
grep -q 'ERRORS:$' "$TEST_TMP/out" || fail "a dead origin: $(cat "$TEST_TMP/out")"

# Ctrl-C and SIGTERM end everything at once, SIGKILL at least what was started.
for signal in INT TERM KILL; do
    rm "$TEST_TMP/out"
    # A shell starts what runs in the background with SIGINT ignored.
    env --default-signal=INT "$TEST_TMP/fetch" --styles coroutine --delays 100 --concurrencies 4 \
        --seconds 30 --out "$TEST_TMP" >"$TEST_TMP/out" 2>&1 &
    harness=$!
    until_running
    sleep 0.2
    kill -$signal $harness
    began=$(date +%s)
    wait $harness
    status=$?
    [ $(($(date +%s) - began)) -le 3 ] || fail "SIG$signal: it went on"
    [ $signal = KILL ] || [ $status -eq 130 ] || fail "SIG$signal: exit status $status"
    sleep 0.3
    [ -z "$(left_behind)" ] || fail "SIG$signal: left behind: $(left_behind)"
done
