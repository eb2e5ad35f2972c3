#!/bin/sh
# timeout 120
# The runner counts what it should: passes, each kind of failure, skips with their reasons; and the
# main of test/support/test.c notices descriptors that a test leaves behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$(pwd)
mkdir -p "$TEST_TMP/tree/test/base" "$TEST_TMP/tree/test/loop" "$TEST_TMP/objects"
cd "$TEST_TMP/tree" || exit 1
failed=0

cat >test/base/kinds_test.c <<'END'
#include "test/support/test.h"
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
static void passes(void **state) { (void)state; }
static void fails(void **state) { (void)state; assert_int_equal(1, 2); }
static void crashes(void **state) { (void)state; *(volatile int *)8 = 1; }
static void aborts(void **state) { (void)state; abort(); }
static void hangs(void **state) { (void)state; for (;;) pause(); }
static void exits(void **state) { (void)state; _exit(3); }
static void leaks_memory(void **state)
{
    *state = malloc(10);
    *(void *volatile *)state = NULL;
}
static void overflows(void **state) { (void)state; volatile int i = INT_MAX; i = i + 1; }
static void leaks_fd(void **state) { (void)state; (void)!open("/dev/null", O_RDONLY); }
static void closes_fd(void **state) { (void)state; close(2); }
static void skips(void **state) { (void)state; SKIP("no such thing here"); }
static void child_reports(void **state)
{
    (void)state;
    if (fork() == 0) { volatile int i = INT_MAX; i = i + 1; _exit(0); }
    sleep(1);
}
static void child_dies(void **state)
{
    (void)state;
    if (fork() == 0) *(volatile int *)8 = 1;
    sleep(1);
}
TESTS(cmocka_unit_test(passes), cmocka_unit_test(fails), cmocka_unit_test(crashes),
      cmocka_unit_test(aborts), cmocka_unit_test(hangs), cmocka_unit_test(exits),
      cmocka_unit_test(leaks_memory), cmocka_unit_test(overflows), cmocka_unit_test(leaks_fd),
      cmocka_unit_test(closes_fd), cmocka_unit_test(skips), cmocka_unit_test(child_reports),
      cmocka_unit_test(child_dies))
END
cat >test/loop/backend_test.c <<'END'
#include "test/support/test.h"
#include <stdlib.h>
#include <string.h>
static void runs_on_each(void **state) { (void)state; assert_non_null(getenv("GYRE_BACKEND")); }
static void only_on_one(void **state)
{
    (void)state;
    if (strcmp(getenv("GYRE_BACKEND"), "one") != 0) SKIP("not one");
}
TESTS(cmocka_unit_test(runs_on_each), cmocka_unit_test(only_on_one))
END
printf '#!/bin/sh\n[ -d "$TEST_TMP" ] && [ -d "$BUILD" ]\n' >test/loop/plain_test.sh
printf '#!/bin/sh\n# alone\necho several; echo reasons; exit 77\n' >test/loop/alone_test.sh
printf '#!/bin/sh\n# per-backend\n[ "$GYRE_BACKEND" = one ]\n' >test/loop/each_test.sh
printf '#!/bin/sh\n# timeout 1\nsleep 20\n' >test/loop/slow_test.sh
chmod +x test/loop/*.sh
for source in test/base/kinds_test test/loop/backend_test; do
    mkdir -p "../objects/${source%/*}"
    cc -g -D_GNU_SOURCE -I"$root" -fsanitize=address,undefined -fno-sanitize-recover=all \
        $source.c "$root/test/support/test.c" -lcmocka -o ../objects/$source || exit 1
done

run() { BACKENDS='one two' TEST_TIMEOUT=5 BUILD=$TEST_TMP/objects "$root/test/run.sh" "$@" 2>&1; }
expect() { # expect LINE: the output holds this very line
    echo "$out" | grep -qxF -- "$1" || { echo "FAILED: no line \"$1\""; failed=1; }
}

unset T JOBS TOTAL WORK CLEAR
out=$(run ../objects test/base/kinds_test.c test/loop/*_test.c test/loop/*_test.sh)
status=$?
[ $status = 1 ] || { echo "FAILED: exit status $status with failing tests"; failed=1; }
for name in fails crashes leaks_memory overflows leaks_fd closes_fd; do
    expect "FAILED test/base/kinds_test.c $name: exit status 1"
done
expect 'FAILED test/base/kinds_test.c hangs: no end after 5 s'
expect 'FAILED test/base/kinds_test.c aborts: exit status 134'
expect 'FAILED test/base/kinds_test.c exits: exit status 3'
expect 'FAILED test/base/kinds_test.c child_reports: sanitizer report'
echo "$out" | grep -q '#0 .* in crashes' || { echo 'FAILED: a crash without a stack'; failed=1; }
expect 'FAILED test/loop/slow_test.sh: no end after 1 s'
expect 'FAILED test/loop/each_test.sh [two]: exit status 1'
expect 'skipped test/base/kinds_test.c skips: no such thing here'
expect 'skipped test/loop/backend_test.c only_on_one [two]: not one'
expect 'skipped test/loop/alone_test.sh: reasons'
[ "$(echo "$out" | tail -n 1)" = '7 passed, 12 failed, 3 skipped' ] ||
    { echo "FAILED: the last line is $(echo "$out" | tail -n 1)"; failed=1; }
echo "$out" | grep -q '^descriptor leaked: [0-9]* -> /dev/null$' ||
    { echo 'FAILED: the leaked descriptor is not named'; failed=1; }
[ $failed = 0 ] || echo "$out"

out=$(run ../objects test/loop/plain_test.sh) || { echo 'FAILED: a pass is a pass'; failed=1; }
expect '1 passed, 0 failed, 0 skipped'
out=$(T='kinds_test pas' run ../objects test/base/kinds_test.c test/loop/plain_test.sh)
expect '1 passed, 0 failed, 0 skipped'
out=$(T=nothing run ../objects test/loop/plain_test.sh) &&
    { echo 'FAILED: a run without tests passed'; failed=1; }
expect '0 passed, 0 failed, 0 skipped'
out=$(run ../objects test/loop/gone_test.c) &&
    { echo 'FAILED: a missing program passed'; failed=1; }
exit $failed
