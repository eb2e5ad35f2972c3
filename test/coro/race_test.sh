#!/bin/sh
# A control of the annotations: ThreadSanitizer reports a real race on a coroutine's stack, and
# nothing in a program without one. AddressSanitizer looks for uses after return.
set -eu
: "${CC:=cc}" "${TEST_TMP:=$(mktemp -d)}"
assembly=coro/switch_$(uname -m).S
foreign=$([ "$(uname -s)" = Linux ] && echo kqueue || echo epoll)
[ -e "$assembly" ] && other=coro/switch_ucontext.c || { assembly= other=; }
sources=$(ls base/*.c loop/*.c future/*.c coro/*.c |
    grep -vxF -e "loop/$foreign.c" -e "${other:-no}")

# build SANITIZER SOURCE PROGRAM
build() {
    "$CC" -std=c11 -D_GNU_SOURCE -I. -pthread -O1 -g -DGYRE_BACKEND_DEFAULT='"poll"' \
        -fsanitize="$1" -fno-omit-frame-pointer "$2" $sources $assembly -o "$TEST_TMP/$3"
}

build thread test/coro/programs/race.c race
if "$TEST_TMP/race" >"$TEST_TMP/output" 2>&1; then
    echo 'the race was not reported'
    exit 1
fi
grep -q 'ThreadSanitizer: data race' "$TEST_TMP/output"

build thread examples/generator.c generator
"$TEST_TMP/generator" >"$TEST_TMP/output" 2>&1 || { cat "$TEST_TMP/output"; exit 1; }

build address examples/generator.c generator
ASAN_OPTIONS=detect_stack_use_after_return=1 "$TEST_TMP/generator" >"$TEST_TMP/output" 2>&1 ||
    { cat "$TEST_TMP/output"; exit 1; }
