# Included by the scripts of this folder: an origin of the test's own, and readers of JSON lines.

FETCH=$BUILD/bench/fetch
ORIGIN=$BUILD/bench/origin
: "${TEST_TMP:=$(mktemp -d)}"

fail() {
    echo "failed: $*"
    exit 1
}

# Starts the origin: its process is $origin, its address $base.
start_origin() {
    "$ORIGIN" >"$TEST_TMP/origin.out" &
    origin=$!
    trap 'kill -CONT $origin 2>/dev/null; kill $origin 2>/dev/null' EXIT
    trap 'exit 130' INT TERM
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        base=$(sed -n 's,^listening on \(127.*\),http://\1,p' "$TEST_TMP/origin.out")
        [ -z "$base" ] || return 0
        sleep 0.1
    done
    fail "the origin did not start"
}

# The value of a field in one line of JSON: field NAME LINE.
field() {
    printf '%s\n' "$2" | sed -n "s/.*\"$1\": \"\{0,1\}\([^,\"}]*\).*/\1/p"
}

# Whether an arithmetic condition holds: holds '$a > $b' with numbers in place.
holds() {
    awk "BEGIN { exit !($1) }"
}
