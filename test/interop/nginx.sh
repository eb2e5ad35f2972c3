#!/bin/sh
# timeout 120
# gyre-fetch --json against a real nginx: status, headers, length and SHA-256 as curl sees them.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
for program in nginx curl; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
. test/support/origin.sh
tmp=$TEST_TMP
fetch=$BUILD/bin/gyre-fetch
"$CC" -std=c11 -D_GNU_SOURCE -O1 test/support/programs/peer.c -o "$tmp/peer"

# ---- The server ----
mkdir "$tmp/www" "$tmp/temp"
: >"$tmp/www/empty.txt"
echo 'a small file' >"$tmp/www/small.txt"
head -c 20000000 /dev/urandom >"$tmp/www/large.bin"
{
    echo '<p><!--# echo var="uri" --></p>'
    seq 20000
} >"$tmp/www/page.shtml"

free_port() {
    "$tmp/peer" refuses >"$tmp/port" &
    wait_for "$tmp/port"
    kill $!
    PORT=$(cat "$tmp/port")
    rm "$tmp/port"
}
ipv6=
! grep -qs '^00000000000000000000000000000001 ' /proc/net/if_inet6 || ipv6=yes

start_nginx() {
    free_port
    cat >"$tmp/nginx.conf" <<END
master_process off;
daemon off;
worker_processes 1;
pid $tmp/nginx.pid;
error_log $tmp/error.log;
events { }
http {
    access_log off;
    client_body_temp_path $tmp/temp/body;
    proxy_temp_path $tmp/temp/proxy;
    fastcgi_temp_path $tmp/temp/fastcgi;
    uwsgi_temp_path $tmp/temp/uwsgi;
    scgi_temp_path $tmp/temp/scgi;
    server {
        listen 127.0.0.1:$PORT;
        ${ipv6:+listen [::1]:$PORT;}
        root $tmp/www;
        default_type text/plain;
        location = /page.shtml { ssi on; ssi_types text/plain; }
        location = /nothing { return 204; }
        location = /gone { return 410 "gone\n"; }
        location = /moved { return 301 /small.txt; }
        location = /twice { return 302 http://127.0.0.1:$PORT/moved; }
        location = /close { keepalive_timeout 0; return 200 "bye\n"; }
        location = /fields {
            add_header X-Empty "";
            add_header X-Quoted '"a" \\b';
            return 200 ok;
        }
    }
}
END
    nginx -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
    children="$children $!"
    for _ in $(seq 100); do
        ! curl -s -o "$tmp/none" "http://127.0.0.1:$PORT/small.txt" || return 0
        kill -0 $! 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
start_nginx || start_nginx || fail "nginx does not start: $(cat "$tmp/nginx.err" "$tmp/error.log")"
server=http://127.0.0.1:$PORT

# ---- The comparison ----
# What curl saw: the fields of its last response; Date is the only one that time changes.
by_curl() {
    curl -s -g --http1.1 -D "$tmp/heads" -o "$tmp/body" -w '%{http_code}' "$@" >"$tmp/status" ||
        fail "curl $*: $?"
    # With -I, curl writes the head where the body would be.
    [ -e "$tmp/body" ] && [ "$1" != -I ] || : >"$tmp/body"
    {
        echo "status $(cat "$tmp/status")"
        tr -d '\r' <"$tmp/heads" | awk '/^HTTP\// { text = ""; next }
            /^$/ { last = text; next }
            !/^Date:/ { text = text $0 "\n" }
            END { printf "%s", last }' | sed 's/:[ ]*$/:/'
        echo "length $(wc -c <"$tmp/body")"
        echo "sha256 $(sha256sum <"$tmp/body" | cut -d ' ' -f 1)"
    } >"$tmp/curl"
    rm -f "$tmp/body"
}
by_gyre() {
    "$fetch" --json "$@" >"$tmp/json" || fail "gyre-fetch $*: $(cat "$tmp/json")"
    LC_ALL=C awk -f test/support/json.awk "$tmp/json" >"$tmp/flat" || fail 'no JSON'
    sed -n 's/^1.status number /status /p' "$tmp/flat"
    sed -n -E 's/^1.headers.*\]\[([01])\] string ?/\1/p' "$tmp/flat" |
        sed 's/\\"/"/g; s/\\\\/\\/g' | awk '/^0/ { name = substr($0, 2) }
            /^1/ && name != "Date" { print name ":" (length($0) > 1 ? " " : "") substr($0, 2) }'
    sed -n 's/^1.body_len number /length /p; s/^1.body_sha256 string /sha256 /p' "$tmp/flat"
}
compared=0
same() { # same URL [OPTION...]: options that both programs have
    by_curl "$@"
    [ "$1" = -I ] && shift && set -- -X HEAD "$@"
    [ "$1" = -L ] && shift || set -- --no-follow "$@"
    by_gyre "$@" >"$tmp/gyre"
    diff "$tmp/curl" "$tmp/gyre" || fail "curl (<) and gyre-fetch (>) differ: $*"
    compared=$((compared + 1))
}

same "$server/small.txt"
same -I "$server/small.txt"
same "$server/empty.txt"
same -I "$server/empty.txt"
same "$server/nothing"
same "$server/large.bin"
same -I "$server/large.bin"
same "$server/large.bin" -H 'Range: bytes=1000000-1999999'
same "$server/large.bin" -H 'Range: bytes=99999999-'
same "$server/page.shtml"
grep -q '^Transfer-Encoding: chunked$' "$tmp/gyre" || fail 'the page was not chunked'
same -I "$server/page.shtml"
same "$server/none"
same "$server/gone"
same "$server/fields"
same "$server/close"
same "$server/moved"
same -L "$server/moved"
same -L "$server/twice"
same "$server/small.txt" -X POST -d 'a body'
same "$server/small.txt" -X FROB
by_curl "$server/small.txt"
tag=$(sed -n 's/^ETag: //p' "$tmp/curl")
same "$server/small.txt" -H "If-None-Match: $tag"
grep -q '^status 304$' "$tmp/gyre" || fail 'that was no 304'
if [ -n "$ipv6" ]; then
    same "http://[::1]:$PORT/small.txt"
    same "http://[::1]:$PORT/page.shtml"
fi

# Many at once, over kept connections, in the order they were asked for.
urls=
for _ in $(seq 40); do urls="$urls $server/small.txt $server/page.shtml $server/empty.txt"; done
"$fetch" --json --parallel 8 $urls >"$tmp/json" || fail 'many at once'
sed -n 's/.*"body_sha256": "\([0-9a-f]*\)".*/\1/p' "$tmp/json" | awk '
    NR <= 3 { first[NR % 3] = $0 }
    first[NR % 3] != $0 { exit 1 }
    END { if (NR != 120) exit 1 }' || fail 'many at once: other bodies'
[ "$(grep -c '"reused": true' "$tmp/json")" -ge 100 ] || fail 'connections were not kept'
echo "$compared requests compared${ipv6:+, two of them over IPv6}"
