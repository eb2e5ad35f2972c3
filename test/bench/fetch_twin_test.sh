#!/bin/sh
# alone
# The method: one style under two names differs in nothing, and the report says so. Nine rounds,
# because equal things have ranges apart by chance: with three rounds once in ten times, with nine
# once in 24,310.
set -u
. "$(dirname "$0")/common.sh"

"$FETCH" --styles coroutine,twin=coroutine --delays 0 --concurrencies 8 --rounds 9 --seconds 0.1 \
    --out "$TEST_TMP" >"$TEST_TMP/out" || { cat "$TEST_TMP/out"; fail "exit status $?"; }
cat "$TEST_TMP/out"
grep -q '^twin against coroutine: no difference in 1 cell\.$' "$TEST_TMP/out" ||
    fail "the words do not say it"
grep -Eq '^  (twin|coroutine) .* no difference$' "$TEST_TMP/out" || fail "the table does not say it"
grep -q '<td>no difference</td>' "$TEST_TMP/fetch.html" || fail "the page does not say it"
