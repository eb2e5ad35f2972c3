#!/bin/sh
# The origin against a real curl: what a peer written by others makes of the server's answers.
# per-backend
set -u
LC_ALL=C
export LC_ALL
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
origin=$BUILD/bench/origin
[ -x "$origin" ] || { echo "skipped: $origin is not built"; exit 77; }
cd "$TEST_TMP" || exit 1
failed=0

fail() {
    echo "FAILED: $*"
    failed=1
}
# same WHAT EXPECTED ACTUAL
same() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
ask() { curl -sS --max-time 20 "$@"; }
# code ARGUMENT...: the status alone
code() { ask -o /dev/null -w '%{http_code}' "$@"; }
# connects URL URL: how many connections each of the two made
connects() { ask -o /dev/null -o /dev/null -w '%{num_connects} ' "$@"; }
# What stands between "path" and "arrived" of each record.
targets() { sed 's/.*"path": "\([^"]*\)", "query": "\([^"]*\)".*/\1?\2/' | sort | tr '\n' ' '; }

"$origin" --port 0 --unix "$TEST_TMP/socket" >log 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ "$(grep -c listening log)" = 2 ] && break
    sleep 0.1
done
port=$(sed -n 's/^listening on 127.0.0.1://p' log)
url=http://127.0.0.1:$port
[ -n "$port" ] || { fail "the origin did not start: $(cat log)"; exit 1; }

same hello 'Hello, world!' "$(ask "$url/hello")"
same 'unix socket' 'Hello, world!' "$(ask --unix-socket socket http://h/hello)"
same HEAD 'HTTP/1.1 200 OK 14' \
    "$(ask -I "$url/hello" | tr -d '\r' |
        awk '/^HTTP/ { status = $0 } /^Content-Length/ { print status, $2 }')"
same 'HTTP/1.0 body' 'Hello, world!' "$(ask --http1.0 "$url/hello")"
same 'HTTP/1.0 in pieces' 100000 "$(ask --http1.0 "$url/bytes?n=100000&chunked=1" | wc -c)"
same 'reused connection' '1 0 ' "$(connects "$url/hello" "$url/hello")"
same 'connection after /close' '1 1 ' "$(connects "$url/close" "$url/hello")"

# Bodies, both ways.
awk 'BEGIN { srand(7); for (i = 0; i < 60000; i++) printf "%d", rand() * 1e6 }' >body
same 'echo of -d' data "$(ask -d data "$url/echo")"
ask --data-binary @body "$url/echo" | cmp -s - body || fail 'echo of a body with a length'
ask -T body "$url/echo" | cmp -s - body || fail 'echo of PUT, with Expect'
ask -T body -H 'Transfer-Encoding: chunked' "$url/echo" | cmp -s - body || fail 'echo of chunks'
ask -T - -H 'Expect:' "$url/echo" <body | cmp -s - body || fail 'echo of stdin'
ask "$url/bytes?n=3000000" >whole
ask "$url/bytes?n=3000000&chunked=1" >pieces
same 'bytes with a length' 3000000 "$(wc -c <whole)"
cmp -s whole pieces || fail 'bytes in pieces differ'
same 'unwanted body' '405' "$(code -T body "$url/hello")"

# Statuses.
for code in 200 204 304 404 418 500 503; do
    same "status $code" $code "$(code "$url/status?code=$code")"
done
same redirect 'Hello, world!' "$(ask -L "$url/redirect?to=%2Fhello")"
same 'redirect that keeps the method' data \
    "$(ask -L -d data "$url/redirect?to=%2fecho&code=307")"
same 'no way out of the Location field' 400 \
    "$(code "$url/redirect?to=%0d%0aX:y")"
same headers 'GET /headers HTTP/1.1' "$(ask "$url/headers" | head -n 1 | tr -d '\r')"
same unknown 404 "$(code "$url/nowhere")"

# What it saw.
ask -X POST "$url/reset" >/dev/null
ask "$url/delay?ms=150&tag=a" >a & first=$!
ask "$url/delay?ms=300&tag=b" >b & second=$!
wait "$first" "$second"
same 'delayed answers' ab "$(cat a b)"
ask "$url/record" >record
same 'recorded targets' '/delay?ms=150&tag=a /delay?ms=300&tag=b ' "$(targets <record)"
same 'open at once' 2 "$(sed -n 's/.*"open": \([0-9]*\).*/\1/p' record | sort -n | tail -n 1)"
awk '{ line = $0; sub(/.*"arrived": /, "", line); arrived = line + 0
      sub(/.*"answered": /, "", line); took = line - arrived
      want = $0 ~ /ms=150/ ? 150e6 : 300e6
      if (took < want || took > want + 100e6) { print "took", took, "of", want; bad = 1 } }
    END { exit bad }' record || fail 'delays'
count=$(ask "$url/count")
for part in '"requests": 2' '"most_open": 2' '"open": 0'; do
    case $count in
    *"$part"*) ;;
    *) fail "count: $part is not in $count" ;;
    esac
done

kill -TERM "$pid"
wait "$pid"
same 'exit status after SIGTERM' 0 $?
trap - EXIT
same 'nothing else was printed' 2 "$(wc -l <log)"
exit $failed
