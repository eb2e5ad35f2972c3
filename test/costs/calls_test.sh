#!/bin/sh
# alone
# timeout 120
# System calls: how many a kept-alive fetch costs, and the order of them in main03.
set -eu
cd "$(dirname "$0")/../.."
command -v strace >/dev/null || { echo 'skipped: strace is not installed'; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo 'skipped: strace may not trace here'; exit 77; }
. test/costs/costs.sh

# calls STYLE COUNT CONCURRENCY: "name calls" of a run.
calls() {
    strace -f -c -U name,calls -o "$TEST_TMP/trace" \
        "$TEST_TMP/fetches" "$1" "$ORIGIN/hello" "$2" "$3" >"$TEST_TMP/out" ||
        fail "$*: $(cat "$TEST_TMP/out")"
    awk 'NF == 2 && $2 ~ /^[0-9]+$/' "$TEST_TMP/trace"
}

# Between 500 and 3,500 fetches, what a start and an end cost falls out.
for style in callback coroutine; do
    for concurrency in 1 64; do
        calls $style 500 $concurrency | sed 's/^/500 /' >"$TEST_TMP/calls"
        calls $style 3500 $concurrency | sed 's/^/3500 /' >>"$TEST_TMP/calls"
        awk -v style=$style -v concurrency=$concurrency '
            { of[$2] += ($1 == 500 ? -$3 : $3) / 3000 }
            END {
                most = concurrency == 1 ? 3.2 : 2.2
                printf "%s, %d at once: %.2f calls a fetch:", style, concurrency, of["total"]
                for (name in of)
                    if (name != "total" && of[name] >= 0.005) printf " %s %.2f", name, of[name]
                print ""
                if (of["total"] > most || of["total"] < 1) bad = "not at most " most
                split("epoll_ctl mmap munmap brk futex madvise", none, " ")
                for (i in none)
                    if (of[none[i]] >= 0.005 || of[none[i]] <= -0.005) bad = none[i]
                if (bad) { print "too many calls: " bad; exit 1 }
            }' "$TEST_TMP/calls" || exit 1
    done
done

# ---- The five steps of main03 ----
#
# The future is there, pending; the request is written; one poll; the answer is read and becomes the
# future's value; the consumer runs. A second URL, much slower, keeps the program going.
steps() {
    strace -o "$TEST_TMP/trace" stdbuf -oL \
        "$BUILD/examples/main03_future" "$ORIGIN/hello" "$ORIGIN/delay?ms=100&tag=late" \
        >"$TEST_TMP/out" 2>"$TEST_TMP/err" || fail "$(cat "$TEST_TMP/err")"
    awk '
        /^write\(2, "states: (pending|suspended)/ { print "future"; next }
        /^(send(to|msg)|writev?)\([0-9]+,.*GET \/hello/ { sent = 1; polls = 0; print "write"; next }
        /^(send(to|msg)|writev?)\([0-9]+,.*GET \/delay/ { polls = 0; next }
        /^(epoll_p?wait2?|poll|ppoll)\(/ { polls++; next }
        /^recv(from|msg)?\([0-9]+, "HTTP/ && !got {
            got = 1
            print "polls " polls
            print "read"
            next
        }
        /^write\(1, / && !ran { ran = 1; print "polls " polls; print "consumer" }' \
        "$TEST_TMP/trace" | tr '\n' ' '
}
wanted='future write polls 1 read polls 1 consumer '
best=
for _ in 1 2 3; do # the kernel may be slower than the poll once
    got=$(steps)
    [ "$got" != "$wanted" ] || best=$got
done
echo "main03: $got"
[ "$best" = "$wanted" ] || fail "the steps are: $got(wanted: $wanted)"
