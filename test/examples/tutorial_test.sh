#!/bin/sh
# alone
# timeout 120
# main01 to main04 do what the tutorial says of them. What happened is read from the origin's own
# record, not from what the programs say.
set -eu
cd "$(dirname "$0")/../.."
. test/support/origin.sh
origin_start

# Two delays, 100 ms apart, the longer first.
short=$(awk 'BEGIN { srand(); print 100 + int(rand() * 201) }')
long=$((short + 100))
a="$ORIGIN/delay?ms=$long&tag=A"
b="$ORIGIN/delay?ms=$short&tag=B"

# record NAME: "arrived answered open tag" of each request, in milliseconds from the first arrival.
record() {
    origin_get /record | awk '
        function number(name) {
            match($0, "\"" name "\": -?[0-9]+")
            return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) + 0
        }
        NR == 1 { began = number("arrived") }
        { tag = /tag=A/ ? "A" : "B"
          print (number("arrived") - began) / 1e6, (number("answered") - began) / 1e6,
                number("open"), tag }' >"$TEST_TMP/record.$1"
}

# play NAME PROGRAM: fetches both from a fresh record; the output goes to out.NAME.
play() {
    origin_get /reset >/dev/null
    "$BUILD/examples/$2" "$a" "$b" >"$TEST_TMP/out.$1" 2>"$TEST_TMP/err.$1" ||
        fail "$2 failed: $(cat "$TEST_TMP/err.$1")"
    record "$1"
}

# check NAME OPEN ORDER CONDITION: the most requests open at once, the order of the answers as the
# program printed them and as the origin gave them, and a condition on the total (milliseconds).
check() {
    name=$1
    awk -v most="$2" -v order="$3" -v sum=$((short + long)) -v name="$name" '
        { if ($3 > open) open = $3
          if ($2 < 0) bad = "a request was never answered"
          if ($2 > last) last = $2
          at[$4] = $2 }
        END {
            if (NR != 2) bad = "the origin saw " NR " requests"
            if (open != most) bad = open " requests were open at once, not " most
            if ((at["A"] < at["B"] ? "AB" : "BA") != order) bad = "the order is not " order
            if (most == 1 && last < sum) bad = "total " last " ms is below the sum"
            if (most == 2 && last >= sum - 50) bad = "total " last " ms is not 50 below the sum"
            printf "%s: %d ms of %d, at most %d open\n", name, last, sum, open
            if (bad) { print name ": " bad; exit 1 }
        }' "$TEST_TMP/record.$name" || exit 1
    [ "$(cat "$TEST_TMP/out.$name")" = "$3" ] ||
        fail "$name printed $(cat "$TEST_TMP/out.$name"), not $3"
}

play main01 main01_sync
check main01 1 AB
for program in main02_async main03_future main04_coroutine; do
    play "${program%_*}" $program
    check "${program%_*}" 2 BA
done

# The same bytes in all four styles.
"$BUILD/examples/four_styles" "$ORIGIN/bytes?n=100000" >"$TEST_TMP/styles"
"$BUILD/bin/gyre-fetch" "$ORIGIN/bytes?n=100000" >"$TEST_TMP/bytes"
for style in synchronous callback future coroutine; do
    printf '%s: ' $style
    cat "$TEST_TMP/bytes"
done >"$TEST_TMP/wanted"
cmp "$TEST_TMP/wanted" "$TEST_TMP/styles" || fail 'the styles did not give the same bytes'

# And, for a port that refuses, the same error and the same text.
refused=http://127.0.0.1:1/
"$BUILD/examples/four_styles" $refused >"$TEST_TMP/styles"
sed 's/^[a-z]*: //' "$TEST_TMP/styles" | sort | uniq -c >"$TEST_TMP/errors"
[ "$(tr -s ' ' <"$TEST_TMP/errors")" = ' 4 ECONNREFUSED: connect to 127.0.0.1:1: refused' ] ||
    fail "the styles did not give the same error: $(cat "$TEST_TMP/styles")"
for program in main01_sync main02_async main03_future main04_coroutine; do
    ! "$BUILD/examples/$program" $refused $refused >"$TEST_TMP/out" 2>"$TEST_TMP/err" ||
        fail "$program: exit status 0 for a refused port"
    grep -q 'connect to 127.0.0.1:1: refused' "$TEST_TMP/err" ||
        fail "$program: $(cat "$TEST_TMP/err")"
    [ ! -s "$TEST_TMP/out" ] || fail "$program printed something for a refused port"
done

# The tutorial's own claim: asynchronous fetching is a little faster, on average.
mean() {
    from=$(now_ms)
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        "$BUILD/examples/$1" "$ORIGIN/delay?ms=10" "$ORIGIN/delay?ms=10" >"$TEST_TMP/out"
    done
    echo $((($(now_ms) - from) * 1000 / 20))
}
sync=$(mean main01_sync)
async=$(mean main02_async)
echo "mean of 20 runs: main01 $sync us, main02 $async us"
[ "$async" -lt "$sync" ] || fail 'main02 is not below main01'
