#!/bin/sh
# alone
# timeout 180
# The whole benchmark in its quick form: every style in every cell, the origin's count, three files.
set -u
. "$(dirname "$0")/common.sh"
fields="style mode rate delay_ms concurrency requests seconds rounds rps rps_min rps_max ideal_rps
    efficiency cpu_us_per_request origin_cpu bound p50_us p90_us p99_us max_us errors connections
    rss_kib"

QUICK=1 "$FETCH" --out "$TEST_TMP" >"$TEST_TMP/out" 2>"$TEST_TMP/err" ||
    { cat "$TEST_TMP/out" "$TEST_TMP/err"; fail "exit status $?"; }
cat "$TEST_TMP/out"
[ ! -s "$TEST_TMP/err" ] || fail "no terminal, no progress: $(cat "$TEST_TMP/err")"
grep -q '^ONE ROUND' "$TEST_TMP/out" || fail "a quick run is marked as such"
grep -q 'pinned: every style on cpu [0-9]*, origin on cpu [0-9]' "$TEST_TMP/out" || fail "pinning"
grep -q 'to warm up, which is the same\.$' "$TEST_TMP/out" || fail "the origin's own count"
grep -q '^No errors:' "$TEST_TMP/out" || fail "errors"
grep -q '^At 10 ms, 64 at once: coroutine .* x sync' "$TEST_TMP/out" || fail "the answer in words"
grep -q '^It pays from' "$TEST_TMP/out" || fail "from where on it pays"

# JSON: rows are lines, in a grid of 2 delays with 2 + 4 + 4 cells, and 6 rows with a schedule.
json=$TEST_TMP/fetch.json
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$json" || fail "not JSON"
fi
[ "$(grep -c '^    {"style": ' "$json")" -eq 26 ] || fail "rows of the JSON"
for name in $fields; do
    [ "$(grep -c "^    {.*\"$name\": " "$json")" -eq 26 ] || fail "JSON: $name is not in every row"
done
for name in cpu kernel compiler versions commit pinning rounds; do
    grep -q "^    \"$name\": " "$json" || fail "JSON: $name is not in meta"
done
for style in blocking sync threads callback future coroutine; do
    grep -q "\"style\": \"$style\", \"mode\": \"open\", \"rate\": [1-9]" "$json" ||
        fail "JSON: no row of $style with a schedule"
done
# A percentile q only from 10 / (1 - q) samples on.
grep '^    {"style": .*"mode": "closed"' "$json" | while read -r line; do
    for rule in p50_us:20 p90_us:100 p99_us:1000; do
        known=1
        [ "$(field "${rule%:*}" "$line")" != null ] || known=0
        holds "($(field requests "$line") >= ${rule#*:}) == $known" || fail "$rule in $line"
    done
done || exit 1
sum=$(sed -n 's/^    {.*"requests": \([0-9]*\).*/\1/p' "$json" | awk '{ n += $1 } END { print n }')
meta=$(sed '/"rows"/q' "$json" | tr -d '\n')
holds "$(field origin_requests "$meta") == $(field warm_up_requests "$meta") + $sum" ||
    fail "the origin's count is not the sum of the rows"

# CSV: the same fields in the same order, as many in every line.
wanted=$(echo $fields | tr ' ' ,)
[ "$(head -n 1 "$TEST_TMP/fetch.csv" | tr -d '\r')" = "$wanted" ] || fail "head of the CSV"
awk -F , 'NF != 23 { bad = 1 } END { exit bad || NR != 27 }' "$TEST_TMP/fetch.csv" ||
    fail "lines of the CSV"

# The page: charts inside, nothing from elsewhere.
[ "$(grep -o '<svg' "$TEST_TMP/fetch.html" | wc -l)" -eq 8 ] || fail "charts of the page"
! grep -Eq '(src|href)=|@import|url\(' "$TEST_TMP/fetch.html" || fail "the page needs a network"
! grep -Eq "nan|inf[^o]" "$TEST_TMP/fetch.html" || fail "the page has a figure that is none"
