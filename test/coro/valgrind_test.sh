#!/bin/sh
# timeout 600
# The coroutine tests under valgrind, clean without suppressions.
set -eu
: "${BUILD:=build}"
command -v valgrind >/dev/null || { echo 'skipped: valgrind is not installed'; exit 77; }
own=$BUILD/valgrind
# Left out: what measures memory, forks to die, or repeats a thing a million times.
tests='await await_for blocked cancel defer generator generator_close main shield spawn stop
torture'
programs=
for name in $tests; do programs="$programs test/coro/${name}_test.c"; done
make -s BUILD="$own" DEPS=skip SAN=none CC="${CC:-cc}" FLOORS='base loop future coro' \
    TESTS="$programs" test-programs
for name in $tests; do
    valgrind -q --error-exitcode=9 --leak-check=full --trace-children=no \
        "$own"/obj/*/none/test/coro/"${name}_test" >"$own/output" 2>&1 ||
        { echo "$name: valgrind found something"; cat "$own/output"; exit 1; }
    ! grep -q '^==.*client switching stacks' "$own/output"
done
