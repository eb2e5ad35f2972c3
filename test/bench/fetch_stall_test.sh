#!/bin/sh
# alone
# The method: an origin that stops for a second of a four-second run. With a schedule the requests
# that were held up count with the time they were held up; in a closed loop, one at a time, it is
# one slow request among thousands of fast ones. Sixteen connections, so that the requests that are
# on their way when it stops are less than one in a hundred: counted from when they were sent, p99
# would not show the stall.
set -u
. "$(dirname "$0")/common.sh"
start_origin

"$FETCH" --once --style coroutine --url "$base/hello" --seconds 4 --rate 1000 --concurrency 16 \
    --json >"$TEST_TMP/open" &
open=$!
"$FETCH" --once --style coroutine --url "$base/hello" --seconds 4 --json >"$TEST_TMP/closed" &
closed=$!
sleep 1.5
kill -STOP "$origin"
sleep 1
kill -CONT "$origin"
wait "$open" || fail "the run with a schedule: exit status $?"
wait "$closed" || fail "the closed loop: exit status $?"

line=$(cat "$TEST_TMP/open")
echo "$line"
holds "$(field n "$line") == 4000" || fail "a schedule of 4 s at 1000 a second is 4000 requests"
holds "$(field p99_us "$line") > 700000" || fail "p99 does not show what the stall held up"
line=$(cat "$TEST_TMP/closed")
echo "$line"
holds "$(field max_us "$line") > 900000" || fail "the longest does not show the stall"
holds "$(field p99_us "$line") < 300000" || fail "more than one request was slow"
