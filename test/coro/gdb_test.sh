#!/bin/sh
# gdb inside a coroutine, and on one that is parked: the backtrace ends at the coroutine's entry.
set -eu
: "${CC:=cc}" "${TEST_TMP:=$(mktemp -d)}" "${BUILD:=build}"
command -v gdb >/dev/null || { echo 'skipped: gdb is not installed'; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo 'skipped: the registers are those of x86-64'; exit 77; }
"$CC" -std=c11 -D_GNU_SOURCE -I. -pthread -O0 -g test/coro/programs/parked.c "$BUILD/libgyre.a" \
    -o "$TEST_TMP/parked"

fail() {
    echo "$1"
    cat "$TEST_TMP/output"
    exit 1
}

# backtrace WHAT COMMAND...: what gdb prints of `bt` after these commands.
backtrace() {
    what=$1
    shift
    for command; do echo "$command"; done >"$TEST_TMP/commands"
    echo bt >>"$TEST_TMP/commands"
    gdb -q -batch -nx -iex 'set auto-load no' -iex 'set debuginfod enabled off' \
        -x "$TEST_TMP/commands" "$TEST_TMP/parked" >"$TEST_TMP/output" 2>&1 ||
        fail "$what: gdb failed"
    grep -qiE 'ptrace: Operation not permitted' "$TEST_TMP/output" &&
        { echo 'skipped: gdb may not trace here'; exit 77; }
    ! grep -qiE 'corrupt stack|previous frame|Cannot access memory|unwind' "$TEST_TMP/output" ||
        fail "$what: the stack looks corrupt"
    tail -n 1 "$TEST_TMP/output" | grep -q 'coro_entry' ||
        fail "$what: the last frame is not the entry"
}
has() {
    grep -q "$1" "$TEST_TMP/output" || fail "no frame of $1"
}

backtrace 'running' 'break deep_inside' 'run'
has deep_inside
has body_of_the_test

# In the middle of the switch itself, on either side of the change of stacks.
backtrace 'in the switch' 'break deep_inside' run 'tbreak gyre__switch' continue \
    stepi stepi stepi stepi
has body_of_the_test

# What lies on a suspended stack stands in switch_x86_64.S.
backtrace 'parked' 'break look_at_it' 'run' 'set $sp_ = (unsigned long *)parked_sp' \
    'set $rbp = $sp_[5]' 'set $rbx = $sp_[4]' 'set $pc = $sp_[6]' 'set $rsp = (long)($sp_ + 7)'
has deep_inside
has body_of_the_test
