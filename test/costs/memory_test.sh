#!/bin/sh
# alone
# timeout 180
# In steady state a fetch over a kept connection allocates nothing, and memory stays as it is.
set -eu
cd "$(dirname "$0")/../.."
. test/costs/costs.sh

# Prints what a run said; sets ALLOCATIONS and GROWTH (KiB).
measure() {
    "$TEST_TMP/fetches" "$@" >"$TEST_TMP/out" || fail "$*: $(cat "$TEST_TMP/out")"
    echo "$1, $4 at once: $(cat "$TEST_TMP/out")"
    ALLOCATIONS=$(sed 's/.* \([0-9-]*\) allocations.*/\1/' "$TEST_TMP/out")
    GROWTH=$(awk '{ print $(NF - 3) - $(NF - 7) }' "$TEST_TMP/out")
}

for style in callback coroutine; do
    for concurrency in 1 64; do
        from=$(now_ms)
        measure $style "$ORIGIN/hello" 11000 $concurrency
        took=$(($(now_ms) - from))
        [ "$ALLOCATIONS" = 0 ] ||
            fail "$style, $concurrency at once: $ALLOCATIONS allocations in 10,000 fetches"
    done
done

# The count sees what there is to see: here each fetch makes a connection of its own.
measure callback "$ORIGIN/close" 2000 1
[ "$ALLOCATIONS" -ge 1000 ] || fail "only $ALLOCATIONS allocations for 1,000 connections"

# A million of them, or on a slow machine 200,000.
many=1000000
[ $((took * many / 11000)) -le 20000 ] || many=200000
for style in callback coroutine; do
    measure $style "$ORIGIN/hello" $many 64
    [ "$GROWTH" -le 64 ] || fail "$style: $GROWTH KiB more after $many fetches than after 1,000"
done
