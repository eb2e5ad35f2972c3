# For scripts: the origin of the benchmark as a child of the script. Source it; it needs BUILD and
# TEST_TMP, and stops what it started when the script ends.
#
#   origin_start     sets ORIGIN to "http://127.0.0.1:PORT"
#   origin_get PATH  prints what the origin answers
#   fail TEXT...     prints it and ends the script
#   wait_for FILE    until it holds something
: "${BUILD:=build}" "${TEST_TMP:=$(mktemp -d)}" "${CC:=cc}"
children=
trap 'for pid in $children; do kill "$pid" 2>/dev/null || :; done' EXIT
trap 'exit 130' INT TERM

fail() {
    printf '%s\n' "$*"
    exit 1
}

wait_for() {
    tries=0
    until [ -s "$1" ] || [ -S "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "$1 did not appear"
        sleep 0.05
    done
}

origin_start() {
    "$BUILD/bench/origin" >"$TEST_TMP/origin" &
    children="$children $!"
    wait_for "$TEST_TMP/origin"
    ORIGIN=http://$(sed -n 's/^listening on //p' "$TEST_TMP/origin")
}

origin_get() {
    "$BUILD/bin/gyre-fetch" "$ORIGIN$1"
}

now_ms() {
    date +%s%3N
}
