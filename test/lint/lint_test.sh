#!/bin/sh
# timeout 120
# Each rule of the lint is seen to work: a small tree passes, and one violation planted into it is
# named with its file and line.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$(pwd)
for tool in clang-format clang-tidy ctags nm; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
failed=0
BUILD=build SWITCH=asm PUBLIC_HEADERS='base/base.h net/net.h'
export BUILD SWITCH PUBLIC_HEADERS

# A tree in which nothing is to be found.
plant_tree() {
    rm -rf "$TEST_TMP/tree"
    mkdir -p "$TEST_TMP/tree" && cd "$TEST_TMP/tree" || exit 1
    mkdir -p base loop net http/client examples test/base build
    cp "$root/.clang-format" "$root/.clang-tidy" .
    cat >base/base.h <<'END'
#ifndef GYRE_BASE_BASE_H
#define GYRE_BASE_BASE_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gyre_point {
    int x, y;
} gyre_point;

typedef int gyre_callback(gyre_point point);

// The sum.
// Blocks: never. Thread: any.
int gyre_sum(int a, int b);

// The sum of many.
// Blocks: never. Thread: any.
#define gyre_sum_all(...) gyre_sum(__VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
END
    cat >base/sum.c <<'END'
#include "base/base.h"

int gyre_sum(int a, int b)
{
    return a + b;
}
END
    printf '#include "base/base.h"\n' | tee gyre.h >net/net.h
    printf '#include "net/net.h"\n' >http/client/pool.c
    printf '#include <gyre.h>\n#include <stdio.h>\n' >examples/main.c
    cat >test/base/sum_test.c <<'END'
static void sum_adds(void **state)
{
    (void)state;
}
END
    library base/sum.c
}
library() {
    cc -I. -c "$1" -o build/x.o && rm -f build/libgyre.a && ar rcs build/libgyre.a build/x.o
}
# plants CHECK EXPECTED: the check must fail and print a line that begins with EXPECTED.
finds() {
    out=$("$root/test/lint/lint.sh" "$1" 2>&1)
    status=$?
    if [ $status -ne 1 ] || ! echo "$out" | grep -qF -- "$2"; then
        echo "FAILED: $1 should print \"$2\", but printed (status $status):"
        echo "$out"
        failed=1
    fi
    plant_tree
}
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'; }

plant_tree
out=$("$root/test/lint/lint.sh" 2>&1) ||
    { echo 'FAILED: the clean tree has findings:'; echo "$out"; failed=1; }

echo '#include "net/net.h"' >>base/sum.c
finds floors 'base/sum.c:7: "net/net.h": base/ must not know of net/'
echo '#include "http/http.h"' >net/up.c
finds floors 'net/up.c:1: "http/http.h": net/ must not know of http/'
echo '#include "base.h"' >>base/sum.c
finds floors 'base/sum.c:7: "base.h": write the path from the root'
echo '#include "base/impl.h"' >net/peek.c
finds floors 'net/peek.c:1: "base/impl.h" is private to its folder'
echo '#include <gyre.h>' >>base/sum.c
finds floors 'base/sum.c:7: the library does not include <gyre.h>'
echo '#include "base/base.h"' >>examples/main.c
finds floors 'examples/main.c:3: "base/base.h": examples/ includes only <gyre.h>'

repeat 501 '// line' >base/long.c
finds lengths 'base/long.c:501: more than 500 lines'
{ printf '// '; repeat 98 x | tr -d '\n'; echo; } >>base/sum.c
finds lengths 'base/sum.c:7: 101 columns'
{
    printf 'int gyre_long(int a)\n{\n'
    repeat 68 '    a++;'
    printf '    return a;\n}\n'
} >base/long.c
finds lengths 'base/long.c:1: gyre_long: 72 lines'
echo 'int gyre_many(int a, int b, int (*c)(int, int), int d, int e, int f);' >base/many.h
finds lengths 'base/many.h:1: gyre_many: 6 parameters'

printf '#ifdef __linux__\n#endif\n' >loop/odd.c
finds conditionals 'loop/odd.c:1: conditional compilation'
printf '#if 0\n#endif\n' >>net/net.h
finds conditionals 'net/net.h:2: conditional compilation'

printf '\n// Too little.\nint gyre_less(int a);\n' >>net/net.h
finds comments 'net/net.h:4: gyre_less: comment lacks'
printf '\n// Blocks: never. Thread: any.\n\nint gyre_apart(int a);\n' >>net/net.h
finds comments 'net/net.h:5: gyre_apart: comment lacks'
cat >>net/net.h <<'END'

// Blocks: never. Thread: any.
int gyre_one(int a,
             int b);
int gyre_two(int a);
END
finds comments 'net/net.h:6: gyre_two: comment lacks'
printf '\n#define gyre_bare(x) (x)\n' >>net/net.h
finds comments 'net/net.h:3: gyre_bare: macro without'
printf '\n// Blocks: never. Thread: any.\nint gyre_sum(int a, int b);\n' >>net/net.h
finds comments 'net/net.h:4: gyre_sum: also declared at base/base.h:16'

cp test/base/sum_test.c test/base/twice_test.c
finds tests 'test/base/twice_test.c:1: test sum_adds has the name of the one at test/base/sum'

echo 'int other_sum = 1;' >base/other.c
library base/other.c
finds symbols 'defines the global symbol other_sum'
for name in getaddrinfo gethostbyname select swapcontext; do
    echo "int $name(void); int gyre_x(void); int gyre_x(void) { return $name(); }" >base/x.c
    cc -fno-builtin -c base/x.c -o build/x.o
    ar rcs build/libgyre.a build/x.o
    finds symbols "calls $name; it must not"
done

echo 'int  gyre_spaces ;' >base/spaces.c
finds format 'base/spaces.c:1:'

printf '#include <stdlib.h>\nint gyre_n(char *s)\n{\n    return atoi(s);\n}\n' >base/number.c
finds tidy 'base/number.c:4:12:'
# A finding is not forgotten, and a file that passed is looked at again when its header changes.
"$root/test/lint/lint.sh" tidy >/dev/null || { echo 'FAILED: tidy of the clean tree'; failed=1; }
cat >>net/net.h <<'END'
#include <stdlib.h>
static inline int gyre_number(const char *text)
{
    return atoi(text);
}
END
finds tidy 'net/net.h:5:12:'

exit $failed
