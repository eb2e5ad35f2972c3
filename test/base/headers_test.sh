#!/bin/sh
# Each public header compiles alone: as C11 with gcc and clang, as C++17 with g++ and clang++.
# Exit status: 0 all did, 1 one did not, 77 there was no compiler.
cd "$(dirname "$0")/../.." || exit 1

headers='base/base.h base/error.h loop/loop.h future/future.h coro/coro.h net/net.h http/http.h'
warnings='-Wall -Wextra -Wpedantic -Werror'
ran=0
failed=0

# The header twice, for its guard; what follows uses the macros that hold expressions.
source_of() {
    printf '#include "%s"\n#include "%s"\n' "$1" "$1"
    cat <<'END'
struct test_owner { int first; long leaf; };
gyre_view test_view(void);
gyre_view test_view(void) { return GYRE_VIEW("text"); }
struct test_owner *test_owner_of(long *leaf);
struct test_owner *test_owner_of(long *leaf)
{
    return GYRE_CONTAINER_OF(leaf, struct test_owner, leaf);
}
gyre_duration test_duration(void);
gyre_duration test_duration(void) { return GYRE_NS(1) + GYRE_US(1) + GYRE_MS(1) + GYRE_SECONDS(1); }
END
}

# compile COMPILER LANGUAGE STANDARD HEADER
compile() {
    # shellcheck disable=SC2086 # the warnings are several words
    source_of "$4" | "$1" -x "$2" -std="$3" $warnings -I. -c -o /dev/null - && return
    echo "FAILED: $4 as $3 with $1"
    failed=1
}

# try COMPILER LANGUAGE STANDARD
try() {
    if ! command -v "$1" >/dev/null; then
        echo "skipped: $1 is not installed"
        return
    fi
    ran=1
    for header in $headers; do
        if [ -f "$header" ]; then compile "$1" "$2" "$3" "$header"; fi
    done
}

try gcc c c11
try clang c c11
try g++ c++ c++17
try clang++ c++ c++17
if [ $ran = 0 ]; then exit 77; fi
exit $failed
