#!/bin/sh
# timeout 120
# One run from the command line: every style in every mode, the fields of its line, its errors.
set -u
. "$(dirname "$0")/common.sh"
start_origin

run() {
    line=$(timeout 30 "$FETCH" --once --json --url "$base/hello" "$@") || fail "$*: exit status $?"
    case $line in
    {*}) ;;
    *) fail "$*: not one line of JSON: $line" ;;
    esac
}

for style in blocking sync threads callback future coroutine; do
    width=8
    case $style in blocking | sync) width=1 ;; esac
    run --style $style --requests 100 --concurrency 8 --mode keep
    holds "$(field n "$line") == 100 && $(field bytes "$line") == 1400 &&
        $(field errors "$line") == 0 && $(field connections "$line") <= $width" || fail "$line"
    for name in wall_s rps user_s sys_s us_per_req p50_us maxrss_kib; do
        holds "\"$(field $name "$line")\" ~ /^[0-9.]+\$/" || fail "$style: $name in $line"
    done
    [ "$(field p99_us "$line")" = null ] || fail "p99 of 100 requests: $line"
    # One connection for each request, the ones to warm up included.
    run --style $style --requests 100 --concurrency 8 --mode close
    holds "$(field n "$line") == 100 && $(field connections "$line") == 100 + $width" ||
        fail "$line"
done
run --style callback --requests 50 --concurrency 50 --mode idle
holds "$(field idle_conns "$line") == 49 && $(field b_per_conn "$line") >= 0" || fail "$line"

# What goes wrong is said, counted, and ends the run at once.
for style in blocking sync threads callback future coroutine; do
    ! timeout 20 "$FETCH" --once --style $style --url http://127.0.0.1:1/ --concurrency 4 --json \
        >"$TEST_TMP/out" 2>"$TEST_TMP/err" || fail "$style: a refused port is an error"
    holds "$(field errors "$(cat "$TEST_TMP/out")") > 0" || fail "$style: errors are counted"
    grep -qi refused "$TEST_TMP/err" || fail "$style: $(cat "$TEST_TMP/err")"
    ! timeout 20 "$FETCH" --once --style $style --url "$base/status?code=404" >/dev/null \
        2>"$TEST_TMP/err" || fail "$style: a 404 is an error"
    grep -q 'status 404' "$TEST_TMP/err" || fail "$style: $(cat "$TEST_TMP/err")"
done
printf '%s\n' "$base/bytes?n=10" "$base/bytes?n=70000&chunked=1" >"$TEST_TMP/urls"
for style in blocking sync coroutine; do
    line=$("$FETCH" --once --style $style --urls "$TEST_TMP/urls" --requests 10 --json) ||
        fail "$style: several URLs"
    holds "$(field bytes "$line") == 350050" || fail "$style: $line"
done
for bad in '--nonsense' '--concurrency 0' '--requests x' '--mode odd' '--style none'; do
    "$FETCH" --once --style sync --url "$base/hello" $bad >/dev/null 2>&1
    [ $? -eq 2 ] || fail "$bad is bad usage"
done
