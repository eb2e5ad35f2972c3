#!/bin/sh
# alone
# timeout 120
# gyre-fetch from outside: every flag, the order of the output, the fields of --json, exit codes.
set -eu
cd "$(dirname "$0")/../.."
. test/support/origin.sh
fetch=$BUILD/bin/gyre-fetch
tmp=$TEST_TMP
"$CC" -std=c11 -D_GNU_SOURCE -O1 test/support/programs/peer.c -o "$tmp/peer"
origin_start

# peer NAME ARGUMENTS...: sets PORT.
peer() {
    name=$1
    shift
    "$tmp/peer" "$@" >"$tmp/port.$name" &
    children="$children $!"
    wait_for "$tmp/port.$name"
    PORT=$(head -n 1 "$tmp/port.$name")
}

# run STATUS ARGUMENTS...: output in out, messages in err; the exit status must be that.
run() {
    wanted=$1 status=0
    shift
    "$fetch" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
    [ $status = "$wanted" ] ||
        fail "gyre-fetch $*: exit status $status, not $wanted: $(cat "$tmp/out" "$tmp/err")"
}
prints() { # prints TEXT: as printf writes it, is what stdout has
    printf "$1" | cmp -s - "$tmp/out" || fail "wanted $1, got $(cat "$tmp/out")"
}
complains() {
    grep -qF -- "$1" "$tmp/err" || fail "no \"$1\" in: $(cat "$tmp/err")"
}
json() { # json STATUS ARGUMENTS...: run with --json; what it says in flat
    run "$@" --json
    iconv -f UTF-8 -t UTF-8 "$tmp/out" >/dev/null || fail "not UTF-8: $(cat "$tmp/out")"
    LC_ALL=C awk -f test/support/json.awk "$tmp/out" >"$tmp/flat" ||
        fail "no JSON: $(cat "$tmp/out")"
    if command -v python3 >/dev/null; then
        python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$tmp/out"
    fi
}
says() { # says "PATH TYPE VALUE"
    grep -qxF -- "$1" "$tmp/flat" || fail "no \"$1\" in: $(cat "$tmp/flat")"
}

# ---- Bodies, in the order of the URLs, whatever the servers do ----
run 0 "$ORIGIN/delay?ms=80&tag=A" "$ORIGIN/delay?ms=40&tag=B" "$ORIGIN/delay?ms=0&tag=C"
prints ABC
run 0 --parallel 1 "$ORIGIN/delay?ms=20&tag=A" "$ORIGIN/delay?ms=0&tag=B"
prints AB
run 1 "$ORIGIN/delay?ms=20&tag=A" http://127.0.0.1:1/ "$ORIGIN/delay?ms=0&tag=B"
prints AB
[ "$(cat "$tmp/err")" = \
    'gyre-fetch: http://127.0.0.1:1/: connect to 127.0.0.1:1: refused' ] || fail "$(cat "$tmp/err")"
run 0 "$ORIGIN/status?code=404"
prints 'status\n'

# One after the other over one connection; and as many connections as fetches at once.
connections() {
    origin_get /reset >/dev/null
    run 0 --parallel "$1" "$ORIGIN/delay?ms=10" "$ORIGIN/delay?ms=10" "$ORIGIN/delay?ms=10"
    origin_get /count | sed 's/.*"most_open": \([0-9]*\).*"connections": \([0-9]*\).*/\1 \2/'
}
[ "$(connections 1)" = '1 2' ] || fail "--parallel 1: $(connections 1)" # with that of /count
[ "$(connections 3)" = '3 4' ] || fail "--parallel 3: $(connections 3)"

# ---- The fields of --json ----
json 1 "$ORIGIN/redirect?to=/bytes%3Fn=1000" http://127.0.0.1:1/
cut -d ' ' -f 1,2 "$tmp/flat" | sed 's/\[[0-9]*\]/[]/' | uniq >"$tmp/shape"
cat >"$tmp/wanted" <<END
1.url string
1.effective_url string
1.status number
1.error null
1.phase null
1.message null
1.headers[][0] string
1.headers[][1] string
1.headers[][0] string
1.headers[][1] string
1.headers[][0] string
1.headers[][1] string
1.body_len number
1.body_sha256 string
1.timing.queue number
1.timing.namelookup number
1.timing.connect number
1.timing.starttransfer number
1.timing.total number
1.timing.redirect number
1.reused true
1.peer string
2.url string
2.effective_url null
2.status null
2.error string
2.phase string
2.message string
2.headers array
2.body_len null
2.body_sha256 null
2.timing null
2.reused null
2.peer null
END
# On a busy machine the second fetch may find no idle connection to follow the redirect on.
sed -i 's/^1.reused false$/1.reused true/' "$tmp/shape"
diff "$tmp/wanted" "$tmp/shape" || fail 'the fields of --json differ'
says "1.url string $ORIGIN/redirect?to=/bytes%3Fn=1000"
says "1.effective_url string $ORIGIN/bytes?n=1000"
says '1.status number 200'
says '1.body_len number 1000'
says "1.body_sha256 string $(origin_get '/bytes?n=1000' | sha256sum | cut -d ' ' -f 1)"
says "1.peer string ${ORIGIN#http://}"
says '2.error string connect'
says '2.phase string connect'
says '2.message string connect to 127.0.0.1:1: refused'
json 0 "$ORIGIN/status?code=503"
says '1.status number 503'
says '1.error null'

# ---- The request ----
run 0 -X DELETE "$ORIGIN/headers"
head -n 1 "$tmp/out" | grep -q '^DELETE /headers HTTP/1.1' || fail "$(cat "$tmp/out")"
run 0 --method PUT --data 'a=b c' "$ORIGIN/echo"
prints 'a=b c'
run 0 -d x "$ORIGIN/headers"
head -n 1 "$tmp/out" | grep -q '^POST ' || fail "$(cat "$tmp/out")"
printf 'one\0two\377\n' >"$tmp/body"
run 0 -d "@$tmp/body" "$ORIGIN/echo"
cmp "$tmp/body" "$tmp/out" || fail 'the body of a file came back otherwise'
"$fetch" -d @- "$ORIGIN/echo" <"$tmp/body" | cmp - "$tmp/body" || fail 'that of standard input too'
run 0 -d '' "$ORIGIN/echo"
prints ''
run 0 -H 'X-One: 1' --header 'X-Two:  two words ' -H X-Three: "$ORIGIN/headers"
tr -d '\r' <"$tmp/out" | grep '^X-' >"$tmp/fields"
printf 'X-One: 1\nX-Two: two words\nX-Three: \n' | cmp - "$tmp/fields" || fail "$(cat "$tmp/out")"
run 0 -X HEAD "$ORIGIN/bytes?n=100"
prints ''
run 0 -o "$tmp/file" "$ORIGIN/hello" "$ORIGIN/hello"
prints ''
[ "$(cat "$tmp/file")" = "$(printf 'Hello, world!\nHello, world!')" ] || fail '-o'

# ---- Limits ----
json 1 --max-body 10 "$ORIGIN/bytes?n=11" "$ORIGIN/bytes?n=11&chunked=1" "$ORIGIN/bytes?n=10"
says '1.error string too_large'
says '2.error string too_large'
says '3.body_len number 10'
json 1 --max-body 0 "$ORIGIN/bytes?n=1"
says '1.error string too_large'
json 0 --no-follow "$ORIGIN/redirect?to=/hello"
says '1.status number 302'
json 0 --max-redirects 0 "$ORIGIN/redirect?to=/hello"
says '1.status number 302'
json 1 --max-redirects 1 "$ORIGIN/redirect?to=/redirect%3Fto=/hello"
says '1.error string too_many_redirects'
json 1 "$ORIGIN/redirect?to=ftp://127.0.0.1/"
says '1.error string redirect_refused'
json 1 --timeout 0.1 "$ORIGIN/delay?ms=2000"
says '1.error string timeout'
says '1.phase string wait'
says "1.message string no answer from ${ORIGIN#http://} within 100 ms"

# ---- Bad input: each its own error, within its deadline ----
peer silent silent
from=$(now_ms)
json 1 --timeout 0.3 --dns-server "127.0.0.1:$PORT" http://silent.test/
took=$(($(now_ms) - from))
says '1.error string timeout'
says '1.phase string resolve'
says '1.message string resolve silent.test: no name server answered within 300 ms'
[ $took -ge 290 ] && [ $took -lt 1000 ] || fail "a silent name server took $took ms, not 300"
grep -q datagram "$tmp/port.silent" || fail 'the name server was never asked'
from=$(now_ms)
json 1 --connect-timeout 0.2 --dns-server "127.0.0.1:$PORT" http://silent.test/
took=$(($(now_ms) - from))
[ $took -ge 190 ] && [ $took -lt 1000 ] || fail "--connect-timeout 0.2 took $took ms"
says '1.error string timeout'

peer refuses refuses
json 1 "http://127.0.0.1:$PORT/"
says '1.error string connect'
says "1.message string connect to 127.0.0.1:$PORT: refused"

answers() { # answers NAME BYTES ERROR PHASE
    printf "$2" >"$tmp/text.$1"
    peer "$1" says "$tmp/text.$1"
    json 1 --timeout 5 "http://127.0.0.1:$PORT/"
    says "1.error string $3"
    says "1.phase string $4"
    grep -q "^1.message string .*127.0.0.1:$PORT" "$tmp/flat" || fail "$1: $(cat "$tmp/flat")"
}
answers nothing '' closed wait
answers nonsense '220 smtp.example ESMTP\r\n\r\n' protocol receive
answers half 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' closed receive
answers half-head 'HTTP/1.1 200 OK\r\nCont' closed receive
answers lengths 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab' \
    protocol receive
answers chunk 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n' protocol receive
printf 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' >"$tmp/text.stall"
peer stall stalls "$tmp/text.stall"
json 1 --timeout 0.2 "http://127.0.0.1:$PORT/"
says '1.error string timeout'
says '1.phase string receive'

for url in 'http://h:99999/' 'http://h:0/' 'http://a b/' 'ftp://h/' 'https://h/' '' 'h'; do
    json 1 "$url"
    says '1.error string invalid_url'
    says '1.phase null'
done
json 1 -H "$(printf 'X: a\r\nY: b')" "$ORIGIN/hello"
says '1.error string invalid_request'
says '1.message string value of field X cannot be sent: byte 1 is 0x0d'
json 1 -H 'Content-Length: 3' "$ORIGIN/hello"
says '1.error string invalid_request'
json 1 -X 'GE T' "$ORIGIN/hello"
says '1.error string invalid_request'

# Header values that are not UTF-8, or hard to quote.
printf 'HTTP/1.1 200 OK\r\nX: caf\351 "q" \\\r\nY: caf\303\251\r\nZ: a\tb\r\n\r\n' >"$tmp/text.utf"
peer utf says "$tmp/text.utf"
json 0 "http://127.0.0.1:$PORT/"
says '1.headers[0][1] string caf\u00e9 \"q\" \\'
says "1.headers[1][1] string $(printf 'caf\303\251')"
says '1.headers[2][1] string a\u0009b'
json 1 "$(printf 'http://caf\351/')"
says '1.url string http://caf\u00e9/'

# ---- 64 at once ----
urls=
for i in $(seq 64); do urls="$urls $ORIGIN/delay?ms=200&tag=$i,"; done
from=$(now_ms)
run 0 --parallel 64 $urls
took=$(($(now_ms) - from))
[ "$(cat "$tmp/out")" = "$(seq -s , 64)," ] || fail "the order is not that of the URLs"
[ $took -lt 1000 ] || fail "64 fetches of 200 ms at once took $took ms"
echo "64 fetches of 200 ms at once: $took ms"

# ---- Bad usage ----
usage() { # usage TEXT ARGUMENTS...
    text=$1
    shift
    run 2 "$@"
    complains "$text"
    prints ''
}
usage 'usage: gyre-fetch'
usage 'usage: gyre-fetch' --nonsense "$ORIGIN/hello"
usage 'usage: gyre-fetch' "$ORIGIN/hello" --timeout
usage '--timeout: 0' --timeout 0 "$ORIGIN/hello"
usage '--timeout: 1s' --timeout 1s "$ORIGIN/hello"
usage '--connect-timeout: -1' --connect-timeout -1 "$ORIGIN/hello"
usage '--max-redirects: x' --max-redirects x "$ORIGIN/hello"
usage '--max-body: -1' --max-body -1 "$ORIGIN/hello"
usage '--parallel: 0' --parallel 0 "$ORIGIN/hello"
usage '--dns-server: nonsense' --dns-server nonsense "$ORIGIN/hello"
usage '--dns-server: 127.0.0.1:99999' --dns-server 127.0.0.1:99999 "$ORIGIN/hello"
usage "a header field is 'Name: value', not: NoColon" -H NoColon "$ORIGIN/hello"
usage "cannot open: $tmp/none" -d "@$tmp/none" "$ORIGIN/hello"
usage "cannot open $tmp/none/file: " -o "$tmp/none/file" "$ORIGIN/hello"
run 0 --help
grep -q '^usage: gyre-fetch' "$tmp/out"
for flag in $(grep -o -- '--[a-z][a-z-]*' cli/gyre_fetch/options.c | sort -u); do
    grep -q -- "$flag" "$tmp/out" || fail "--help does not tell of $flag"
done
run 0 --version
grep -q '^gyre-fetch, gyre 0\.[0-9.]*' "$tmp/out" || fail "$(cat "$tmp/out")"
if [ -e /dev/full ]; then
    status=0
    "$fetch" "$ORIGIN/hello" >/dev/full 2>"$tmp/err" || status=$?
    [ $status = 1 ] || fail "a full device: exit status $status"
    complains 'cannot write the output'
fi

# ---- Progress, for a person ----
if command -v script >/dev/null; then
    script -qec "$fetch '$ORIGIN/hello' '$ORIGIN/hello' >'$tmp/out'" /dev/null \
        >"$tmp/terminal" </dev/null
    prints 'Hello, world!\nHello, world!\n'
    tr '\r' '\n' <"$tmp/terminal" | grep -q '2 of 2, 28 bytes, 0 failed' ||
        fail "no progress: $(cat "$tmp/terminal")"
fi
run 0 "$ORIGIN/hello" "$ORIGIN/hello"
[ ! -s "$tmp/err" ] || fail 'progress where nobody watches'
