#!/bin/sh
# Checks the rules of the house that a compiler does not: prints "file:line: what", exits 1 on any.
#
#   test/lint/lint.sh [CHECK...]     without any: all of them
#
# Run from the root of the tree. Environment: BUILD (build), PUBLIC_HEADERS, SWITCH (asm).
set -u
LC_ALL=C
export LC_ALL
: "${BUILD:=build}" "${SWITCH:=asm}"
: "${PUBLIC_HEADERS:=$(ls base/base.h base/error.h loop/loop.h future/future.h coro/coro.h \
    net/net.h http/http.h 2>/dev/null)}"
here=$(dirname "$0")
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# The C files below the folders $@; what is not there yet has none.
c_files() {
    for dir; do
        [ ! -d "$dir" ] || find "$dir" -name '*.[ch]'
    done | sort
}
library() { c_files base loop future coro net http; }
programs() { c_files examples bench cli; }
scripts() {
    ls Makefile deps .ci/run 2>/dev/null
    for dir in coro examples bench test; do
        [ ! -d $dir ] || find $dir -name '*.S' -o -name '*.sh' -o -name '*.awk' -o -name Makefile
    done
}
everything() { ls gyre.h 2>/dev/null; library; programs; c_files test; }

floors() { awk -f "$here/floors.awk" $(library; programs) /dev/null; }
lengths() {
    awk -f "$here/lengths.awk" $(everything) $(scripts) /dev/null
    ctags --languages=C --langmap=C:+.h --c-kinds=fp --fields=+neSK \
        -I 'GYRE_PRINTF+,GYRE_MUST_USE' -f - $(everything) | awk -f "$here/functions.awk"
}
conditionals() { awk -f "$here/conditionals.awk" $(library; programs) /dev/null; }
comments() { awk -f "$here/comments.awk" $PUBLIC_HEADERS /dev/null; }

# Names of tests are unique in the project, so that a report needs no path.
tests() {
    grep -noE '^static void [a-z0-9_]+\(void \*\*' $(c_files test) /dev/null |
        sed 's/:static void \([a-z0-9_]*\).*/ \1/' |
        awk '$2 in seen { print $1 ": test " $2 " has the name of the one at " seen[$2] }
             { seen[$2] = $1 }'
}

symbols() {
    lib=$BUILD/libgyre.a
    [ -e "$lib" ] || { echo "$lib:1: not built"; return; }
    nm -g --defined-only "$lib" | awk -v lib="$lib" \
        'NF == 3 && $3 !~ /^_?gyre_/ { print lib ":1: defines the global symbol " $3 }'
    nm -g --undefined-only "$lib" | awk -v lib="$lib" -v switch_="$SWITCH" '
        { sub(/@.*/, "", $2) }
        $2 ~ /^(getaddrinfo|gethostbyname(_r)?|select)$/ ||
        (switch_ == "asm" && $2 ~ /^(swap|make|get|set)context$/) {
            print lib ":1: calls " $2 "; it must not" }'
}

format() {
    clang-format --dry-run -Werror $(everything) 2>&1 | sed -n 's/: error: / /p'
}

# One file; a file that passed once is not looked at again until something that it includes, or the
# configuration, changes.
tidy_one() {
    flags="-std=c11 -D_GNU_SOURCE -I. -DGYRE_TLS=1 -DGYRE_BACKEND_DEFAULT=\"poll\""
    flags="$flags -DGYRE_SWITCH=\"asm\" -DGYRE_DEBUG=1"
    # Comments count: NOLINT is one.
    sum=$({ clang $flags -E -C "$1"; cat .clang-tidy; echo "$flags"; } 2>&1 | cksum | tr ' ' -)
    stamp=$BUILD/tidy/$(echo "$1" | tr / _)
    [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ] || return 0
    if clang-tidy --quiet "$1" -- $flags >"$found" 2>&1; then
        echo "$sum" >"$stamp"
    else
        sed -n "s,^$(pwd)/,,; s,^\./,,; / error: /p" "$found" | sed 's/ error://' | sort -u
    fi
}
tidy() {
    mkdir -p "$BUILD/tidy"
    # The backend of the other systems has no headers here.
    foreign=$([ "$(uname -s)" = Linux ] && echo kqueue || echo epoll)
    everything | grep '\.c$' | grep -v "^loop/$foreign\.c$" |
        xargs -r -n 1 -P 2 "$here/lint.sh" --tidy-one
}

if [ "${1:-}" = --tidy-one ]; then
    tidy_one "$2"
    exit
fi
[ $# -gt 0 ] || set -- floors lengths conditionals comments tests symbols format tidy
# A header's findings come once for each file that includes it.
for check; do $check; done | awk '!seen[$0]++' >"$found"
cat "$found"
count=$(wc -l <"$found")
[ "$count" -eq 0 ] || { echo "lint: $count found"; exit 1; }
echo "lint: nothing found ($*)"
