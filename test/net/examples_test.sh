#!/bin/sh
# The example protocols against real programs: line_echo with socat, resp with redis-server.
# per-backend
set -eu
dir=$BUILD/examples
tmp=${TEST_TMP:-$(mktemp -d)}
children=
trap 'for pid in $children; do kill "$pid" 2>/dev/null || :; done' EXIT
for program in socat redis-server; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done

wait_for() { # wait_for FILE: until it exists and holds something
    tries=0
    until [ -s "$1" ] || [ -S "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "$1 did not appear"; exit 1; }
        sleep 0.05
    done
}
same() { # same WANTED FILE
    printf "$1" | diff - "$2" || exit 1
}

# ---- line_echo, on TCP and on a Unix socket ----
"$dir/line_echo" 127.0.0.1:0 >"$tmp/tcp" &
children="$children $!"
"$dir/line_echo" "unix:$tmp/echo.sock" >"$tmp/unix" &
children="$children $!"
wait_for "$tmp/tcp"
wait_for "$tmp/unix"
for peer in "tcp:$(cat "$tmp/tcp")" "unix-connect:$tmp/echo.sock"; do
    printf 'one\ntwo\nno end' | socat -t 5 - "$peer" >"$tmp/out"
    same '1: one\n2: two\n' "$tmp/out"
done
# More than a read of the server takes, but not so much that socat waits for itself.
seq 20000 | socat -t 5 - "tcp:$(cat "$tmp/tcp")" >"$tmp/out"
seq 20000 | awk '{ print NR ": " $0 }' | cmp - "$tmp/out"
"$dir/line_echo" nonsense 2>"$tmp/err" && exit 1
grep -q 'line_echo: nonsense: ' "$tmp/err"

# ---- resp ----
redis-server --port 0 --unixsocket "$tmp/redis.sock" --save '' --dir "$tmp" >"$tmp/redis.log" &
children="$children $!"
wait_for "$tmp/redis.sock"
"$dir/resp" "unix:$tmp/redis.sock" 0 PING -- SET key 'a value' -- GET key -- GET none -- \
    INCR n -- RPUSH list x y -- LRANGE list 0 -1 -- LRANGE empty 0 -1 -- NONSENSE >"$tmp/out"
sed '$d' "$tmp/out" >"$tmp/answers"
same 'PONG\nOK\n"a value"\n(nil)\n(integer) 1\n(integer) 2\n1) "x"\n2) "y"\n(empty array)\n' \
    "$tmp/answers"
tail -n 1 "$tmp/out" | grep -q "^(error) ERR unknown command"
"$dir/resp" "unix:$tmp/nobody.sock" 0 PING >"$tmp/out" 2>"$tmp/err" && exit 1
grep -q '^resp: ' "$tmp/err"
"$dir/resp" 127.0.0.1 2>/dev/null && exit 1
exit 0
