#!/bin/sh
# Runs tests and ends with one line, "N passed, N failed, N skipped".
#
#   test/run.sh OBJECTS SOURCE...
#
# SOURCE is test/<floor>/x_test.c, whose program is OBJECTS/test/<floor>/x_test, or a script. Every
# test of a program runs in a process of its own, on every backend; a script is one test, run once.
# Crashes, time-outs and sanitizer reports are failures; exit status 77 means skipped, and the last
# line is the reason. A test finds in its environment BUILD (absolute), CC, SAN, GYRE_BACKEND and
# TEST_TMP, an empty directory of its own.
#
# A line of its own in SOURCE, "// alone" or "# per-backend", changes how its tests are run:
#   per-backend, once   on every backend, or on the default one only (test/base: always once)
#   alone               after all others, with nothing beside it: for what measures time
#   timeout N           N seconds instead of TEST_TIMEOUT
#
# Environment: BACKENDS, JOBS (2), TEST_TIMEOUT (60), T (an extended regular expression: run only
# tests whose "test/<floor>/x_test name" matches).
set -u
LC_ALL=C
export LC_ALL

# Prints the value of mark $2 in source $1, "yes" for one without a value.
mark() {
    sed -n -E "s,^(#|//) *$2( ([0-9]+))?\$,\\3,p" "$1" | sed 's/^$/yes/; q'
}

# Runs one test and adds its line to the results: run_one NUMBER BACKEND SOURCE NAME.
run_one() {
    number=$1 backend=$2 source=$3 name=$4
    log=$WORK/$number.log
    TEST_TMP=$WORK/$number.tmp
    mkdir "$TEST_TMP"
    export TEST_TMP
    [ "$backend" = - ] || export GYRE_BACKEND="$backend"
    limit=$(mark "$source" timeout)
    case $source in
    *.sh) set -- "$source" ;;
    *) set -- "$OBJECTS/${source%.c}" "$name" ;;
    esac
    timeout -k 5 "${limit:-$TEST_TIMEOUT}" "$@" </dev/null >"$log" 2>&1
    status=$?
    # What a test leaves unwritable must not stay behind either.
    rm -rf "$TEST_TMP" 2>/dev/null || { chmod -R u+rwx "$TEST_TMP"; rm -rf "$TEST_TMP"; }
    case $status in
    0) result=passed why= ;;
    77) result=skipped why=$(awk '{ last = $0 } sub(/^skipped: /, "") { last = $0; exit }
                                  END { print last }' "$log") ;;
    124 | 137) result=failed why="no end after ${limit:-$TEST_TIMEOUT} s" ;;
    *) result=failed why="exit status $status" ;;
    esac
    # A report that did not change the exit status (of a child process, say) is one all the same.
    if [ $result != failed ] && grep -qE "$REPORT" "$log"; then
        result=failed why='sanitizer report'
    fi
    label=$source${name:+ $name}
    [ "$backend" = - ] || label="$label [$backend]"
    [ $result = failed ] || rm -f "$log"
    printf '%s\t%s\t%s\t%s\n' $result "$number" "$label" "$why" >>"$WORK/results"
    if [ $result = failed ]; then
        printf '%sFAILED %s: %s\n' "$CLEAR" "$label" "$why"
    elif [ -n "$CLEAR" ]; then
        printf '%s%d of %d' "$CLEAR" "$(wc -l <"$WORK/results")" "$TOTAL"
    fi
}

# Lists "BACKEND SOURCE NAME" of every test of a source.
list_tests() {
    source=$1 names=$1 once=
    case $source in
    test/base/* | *.sh) once=yes ;;
    esac
    case $source in
    *.c) names=$("$OBJECTS/${source%.c}" --list) || names=cannot-list ;;
    esac
    [ -z "$(mark "$source" once)" ] || once=yes
    [ -z "$(mark "$source" per-backend)" ] || once=
    for name in $names; do
        [ "$name" != "$source" ] || name=
        for backend in $([ -n "$once" ] && echo - || echo "$BACKENDS"); do
            # No blank at the end: xargs would join the next line.
            echo "$backend $source${name:+ $name}"
        done
    done
}

if [ "$1" = --one ]; then
    shift
    run_one "$@" ''
    exit 0
fi

OBJECTS=$1
shift
: "${JOBS:=2}" "${TEST_TIMEOUT:=60}" "${T:=}" "${BUILD:=build}"
: "${BACKENDS:=$([ "$(uname -s)" = Linux ] && echo epoll poll || echo kqueue poll)}"
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/gyre-test.XXXXXX") || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
if [ -t 1 ]; then CLEAR=$(printf '\r\033[K') RED=$(printf '\033[31m') PLAIN=$(printf '\033[m')
else CLEAR= RED= PLAIN=; fi
: "${ASAN_OPTIONS:=detect_leaks=1}" "${UBSAN_OPTIONS:=print_stacktrace=1}"
# Not the report of a fatal signal: a test may make a child die of one, and looks at its status.
REPORT='ERROR: (LeakSanitizer|AddressSanitizer: [a-rt-z]|AddressSanitizer: stack-(buffer|use))'
REPORT="$REPORT|WARNING: ThreadSanitizer|: runtime error: "
export OBJECTS BACKENDS BUILD TEST_TIMEOUT WORK CLEAR REPORT ASAN_OPTIONS UBSAN_OPTIONS
# A make inside a test is a make of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

: >"$WORK/results"
: >"$WORK/alone"
: >"$WORK/beside"
for source; do
    if [ -n "$(mark "$source" alone)" ]; then list=$WORK/alone; else list=$WORK/beside; fi
    list_tests "$source" | awk -v pattern="$T" \
        '{ label = $2 " " $3; sub(/\.c /, " ", label) } label ~ pattern' >>"$list"
done
cat "$WORK/beside" "$WORK/alone" | awk '{ print NR, $0 }' >"$WORK/all"
TOTAL=$(wc -l <"$WORK/all")
export TOTAL
beside=$(wc -l <"$WORK/beside")
head -n "$beside" "$WORK/all" | xargs -r -L 1 -P "$JOBS" "$0" --one
tail -n "+$((beside + 1))" "$WORK/all" | xargs -r -L 1 "$0" --one
printf '%s' "$CLEAR"

awk -F '\t' '$1 == "failed" { print $2 "\t" $3 "\t" $4 }' "$WORK/results" | sort -n |
    while IFS='	' read -r number label why; do
        printf '\n%s---- %s: %s ----%s\n' "$RED" "$label" "$why" "$PLAIN"
        cat "$WORK/$number.log"
    done
awk -F '\t' '$1 == "skipped" { print "skipped " $3 ": " $4 }' "$WORK/results" | sort
[ "$TOTAL" -gt 0 ] || echo "no test${T:+ matches $T}"
awk -F '\t' -v total="$TOTAL" '{ n[$1]++ }
    # A test that left no line was killed together with its runner.
    END { n["failed"] += total - NR
          printf "%d passed, %d failed, %d skipped\n", n["passed"], n["failed"], n["skipped"]
          exit n["failed"] > 0 || total == 0 }' "$WORK/results"
