#!/bin/sh
# Wrong uses of typed futures are refused by every compiler without any warning flag; right ones
# pass with all warnings on. Prints a table; exit status 1 when a cell is not as it must be, 77
# when there is no compiler.
cd "$(dirname "$0")/../.." || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# What every program begins with. `count` and `text` are two types of futures.
prelude() {
    cat <<'END'
#include "coro/coro.h"
GYRE_FUTURE_TYPE(count, int);
GYRE_FUTURE_TYPE(text, const char *);
void on_count(void *arg, int err, int *value);
void on_text(void *arg, int err, const char **value);
int plain(int a);
int body(gyre_coro *self, void *arg);
int use(gyre_loop *loop, count_future c, text_future t, gyre_void_future v, count_promise p);
int use(gyre_loop *loop, count_future c, text_future t, gyre_void_future v, count_promise p)
{
    int n = 0;
    const char *s = 0;
    double d = 0;
    count_future counts[2] = {c, c};
    void *token = 0;
    (void)loop, (void)c, (void)t, (void)v, (void)p, (void)n, (void)s, (void)d, (void)counts;
    (void)token;
END
}

right() {
    prelude
    cat <<'END'
    if (gyre_run(c, &n) || gyre_run(c) || gyre_run(v) || gyre_run(t, &s)) return 1;
    if (gyre_await(c, &n) || gyre_await(c) || gyre_await(v)) return 1;
    if (gyre_await_for(c, GYRE_MS(5), &n) || gyre_await_for(v, 0)) return 1;
    gyre_then(c, on_count, 0);
    gyre_then(t, on_text, &n);
    gyre_then(c, &on_count, 0);
    count_future again = gyre_retain(c);
    const count_future fixed = gyre_with_timeout(again, GYRE_SECONDS(1));
    if (gyre_run(fixed, &n)) return 1;
    gyre_then(fixed, on_count, 0);
    int out[2];
    gyre_void_future both = gyre_all(loop, counts, 2, out);
    both = gyre_all(loop, counts, 2);
    size_t index;
    count_future first = gyre_any(loop, counts, 2, &index);
    first = gyre_any(loop, counts, 2, NULL);
    gyre_cancel(both);
    gyre_release(first);
    gyre_detach(t);
    if (gyre_future_state(c) == GYRE_DONE && gyre_future_error(c)) return 1;
    count_future made;
    count_promise given = gyre_promise_new(count, loop, &made, NULL, NULL);
    const count_promise second = gyre_promise_retain(given);
    gyre_promise_resolve(given, &n);
    gyre_promise_resolve(second, &n);
    gyre_promise_reject(p, -1, "no");
    gyre_promise_release(p);
    made = gyre_from_callback(count, loop, &token);
    count_settle(token, 0, &n);
    text_future spawned = gyre_spawn(text, loop, body, NULL);
    return gyre_run(spawned, &s);
}
END
}

# The wrong uses: a line for the table, a bar, the statement.
wrong() {
    cat <<'END'
run with an out of another type|return gyre_run(c, &d);
run with the value instead of its address|return gyre_run(c, n);
run with an untyped out|void *any = &n; return gyre_run(c, any);
run of a void future with an out|return gyre_run(v, &n);
run of an untyped pointer|return gyre_run(c.untyped, &n);
await with an out of another type|return gyre_await(c, &s);
await_for with an out of another type|return gyre_await_for(c, 0, &d);
await_for of a void future with an out|return gyre_await_for(v, 0, &n);
then with a callback of another type|gyre_then(c, on_text, 0);
then with no callback at all|gyre_then(c, plain, 0);
then with an untyped callback|gyre_then(c, (void *)0, 0);
resolve with a value of another type|gyre_promise_resolve(p, &d);
resolve with the value instead of its address|gyre_promise_resolve(p, n);
a promise with a future of another type|p = gyre_promise_new(count, loop, &t, 0, 0);
a promise assigned to another type|p = gyre_promise_new(text, loop, &t, 0, 0);
a future assigned to one of another type|c = t;
retain assigned to another type|t = gyre_retain(c);
retain of a promise assigned to a future|c = gyre_promise_retain(p);
with_timeout assigned to another type|t = gyre_with_timeout(c, 1);
any assigned to another type|t = gyre_any(loop, counts, 2, 0);
all assigned to another type|c = gyre_all(loop, counts, 2);
all with an out of another type|double out[2]; v = gyre_all(loop, counts, 2, out);
all with the address of its out|int out[2]; v = gyre_all(loop, counts, 2, &out);
all of one future instead of an array|v = gyre_all(loop, c, 1);
all of untyped pointers|gyre_future *f[2]; v = gyre_all(loop, f, 2);
from_callback assigned to another type|t = gyre_from_callback(count, loop, &token);
spawn assigned to another type|t = gyre_spawn(count, loop, body, 0);
END
}

failed=0
compilers=
for cc in gcc clang g++ clang++; do
    if command -v $cc >/dev/null; then compilers="$compilers $cc"; else
        echo "skipped: $cc is not installed"
    fi
done
[ -n "$compilers" ] || exit 77

# compile COMPILER FILE FLAG...
compile() {
    cc=$1 file=$2
    shift 2
    case $cc in
    *++) language='-x c++ -std=c++17' ;;
    *) language='-x c -std=c11' ;;
    esac
    # shellcheck disable=SC2086 # the language is several words
    $cc $language "$@" -I. -fsyntax-only "$file" >"$tmp/out" 2>&1
}

# row TEXT FILE WANTED FLAG...: compiles with all, and prints what they made of it.
row() {
    text=$1 file=$2 wanted=$3
    shift 3
    printf '%-48s' "$text"
    for cc in $compilers; do
        if compile "$cc" "$file" "$@"; then result=accepted; else result=refused; fi
        printf ' %-10s' $result
        if [ $result != "$wanted" ]; then
            failed=1
            cp "$tmp/out" "$tmp/why.$cc"
        fi
    done
    echo
}

printf '%-48s' ''
# shellcheck disable=SC2086 # several compilers
printf ' %-10s' $compilers
echo
right >"$tmp/right.c"
row 'everything used rightly, all warnings on' "$tmp/right.c" accepted \
    -Wall -Wextra -Wpedantic -Werror
# The frame of the wrong uses is itself right: what is refused is the one statement.
{ prelude; echo '    return 0; }'; } >"$tmp/frame.c"
row 'nothing used' "$tmp/frame.c" accepted -Wall -Wextra -Wpedantic -Werror
wrong >"$tmp/wrong"
while IFS='|' read -r text statement; do
    { prelude; echo "    $statement"; echo '    return 0; }'; } >"$tmp/wrong.c"
    row "$text" "$tmp/wrong.c" refused
done <"$tmp/wrong"
echo "$(wc -l <"$tmp/wrong") wrong uses"
cat "$tmp"/why.* 2>/dev/null
exit $failed
