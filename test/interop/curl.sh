#!/bin/sh
# timeout 60
# The server against curl, over TCP and over a Unix socket.
set -eu
cd "$(dirname "$0")/../.."
command -v curl >/dev/null || { echo 'skipped: no curl'; exit 77; }
. test/support/origin.sh
tmp=$TEST_TMP
"$BUILD/bench/origin" --unix "$tmp/origin.sock" >"$tmp/origin" &
children="$children $!"
wait_for "$tmp/origin.sock"
wait_for "$tmp/origin"
ORIGIN=http://$(sed -n 's/^listening on \([0-9].*\)/\1/p' "$tmp/origin")

# get WANTED ARGUMENTS...: "status bytes" as curl saw them; the body in body, the heads in heads.
get() {
    wanted=$1
    shift
    : >"$tmp/body"
    got=$(curl -s -D "$tmp/heads" -o "$tmp/body" -w '%{http_code} %{size_download}' "$@") ||
        fail "curl $*: exit status $?"
    [ "$got" = "$wanted" ] || fail "curl $*: $got, not $wanted"
}
has() {
    tr -d '\r' <"$tmp/heads" | grep -qix -- "$1" || fail "no \"$1\" in: $(cat "$tmp/heads")"
}
hello='Hello, world!'
for over in '' "--unix-socket $tmp/origin.sock"; do
    get '200 14' $over "$ORIGIN/hello"
    [ "$(cat "$tmp/body")" = "$hello" ] || fail 'other bytes'
    has 'Content-Length: 14'
    get '200 0' $over -I "$ORIGIN/hello"
    has 'Content-Length: 14'
    get '200 0' $over "$ORIGIN/bytes?n=0"
    get '200 3000000' $over "$ORIGIN/bytes?n=3000000"
    od -An -v -tu1 -w1 "$tmp/body" | awk '$1 != ((NR - 1) * 31 + 7) % 251 { exit 1 }' ||
        fail 'other bytes'
    sum=$(sha256sum <"$tmp/body")
    get '200 3000000' $over "$ORIGIN/bytes?n=3000000&chunked=1"
    has 'Transfer-Encoding: chunked'
    [ "$(sha256sum <"$tmp/body")" = "$sum" ] || fail 'other bytes in chunks'
    # Without chunks the end of the connection is the end of the body.
    get '200 3000000' $over --http1.0 "$ORIGIN/bytes?n=3000000&chunked=1"
    [ "$(sha256sum <"$tmp/body")" = "$sum" ] || fail 'other bytes for HTTP/1.0'

    head -c 2500000 /dev/urandom >"$tmp/up"
    for how in "-H Expect:" "-H Expect:100-continue" "-H Transfer-Encoding:chunked"; do
        get '200 2500000' $over $how --data-binary "@$tmp/up" "$ORIGIN/echo"
        cmp -s "$tmp/up" "$tmp/body" || fail "$how: the echo differs"
    done
    get '200 2500000' $over -T "$tmp/up" "$ORIGIN/echo"
    cmp -s "$tmp/up" "$tmp/body" || fail 'PUT: the echo differs'

    get '404 0' $over -o /dev/null -I "$ORIGIN/none"
    get '405 0' $over -I -X DELETE "$ORIGIN/hello"
    get '501 0' $over -I -X FROB "$ORIGIN/hello"
    get '204 0' $over "$ORIGIN/status?code=204"
    get '304 0' $over "$ORIGIN/status?code=304"
    get '503 7' $over "$ORIGIN/status?code=503"
    get '200 14' $over -L "$ORIGIN/redirect?to=/hello"
    get '200 8' $over "$ORIGIN/close"
    has 'Connection: close'
    # Ten requests, one connection.
    urls=
    for _ in 1 2 3 4 5 6 7 8 9 10; do urls="$urls $ORIGIN/hello"; done
    made=$(curl -s $over -w '%{num_connects}\n' $urls | awk '!/Hello/ { n += $1 } END { print n }')
    [ "$made" = 1 ] || fail "ten requests took $made connections"
done
