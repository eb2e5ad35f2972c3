#!/bin/sh
# Fair: every style sends the same bytes, whether it goes through the library or not.
set -u
. "$(dirname "$0")/common.sh"
command -v socat >/dev/null || { echo "skipped: no socat"; exit 77; }

# A server that keeps the head of each request in a file, answers and closes.
cat >"$TEST_TMP/answer" <<'END'
#!/bin/sh
while IFS= read -r line; do
    printf '%s\n' "$line"
    [ "$line" != "$(printf '\r')" ] || break
done >"$1/head.$SOCAT_PEERPORT"
printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'
END
chmod +x "$TEST_TMP/answer"
socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,backlog=64 EXEC:"$TEST_TMP/answer $TEST_TMP" \
    2>"$TEST_TMP/socat" &
server=$!
trap 'kill $server' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(sed -n 's/.*listening on .*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$TEST_TMP/socat")
    [ -z "$port" ] || break
    sleep 0.1
done

for mode in keep close; do
    for style in blocking sync threads callback future coroutine; do
        rm -f "$TEST_TMP"/head.*
        "$FETCH" --once --style $style --url "http://127.0.0.1:$port/a/b?c=d#e" --requests 1 \
            --mode $mode >"$TEST_TMP/out" || fail "$style, $mode: exit status $?"
        for head in "$TEST_TMP"/head.*; do
            [ -e "$TEST_TMP/$mode.first" ] || cp "$head" "$TEST_TMP/$mode.first"
            cmp "$TEST_TMP/$mode.first" "$head" || fail "$style, $mode: other bytes"
        done
    done
    cat "$TEST_TMP/$mode.first"
done
