#!/bin/sh
# timeout 180
# The library as others see it: installed into a prefix, found through pkg-config, compiled as C and
# as C++ with nothing but that prefix, removed from the build tree's own include paths.
set -eu
cd "$(dirname "$0")/../.."
prefix=$TEST_TMP/prefix
${MAKE:-make} -s BUILD="$BUILD" DEPS=skip PREFIX="$prefix" install >"$TEST_TMP/log" 2>&1 ||
    { cat "$TEST_TMP/log"; exit 1; }

PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
flags=$(pkg-config --static --cflags --libs gyre)
cat >"$TEST_TMP/use.c" <<'END'
#include <gyre.h>
#include <stdio.h>
int main(void)
{
    gyre_view text = gyre_view_of(gyre_errname(GYRE_ECANCELED));
    printf("%.*s\n", GYRE_FMT(text));
    return !gyre_view_equal(text, GYRE_VIEW("GYRE_ECANCELED"));
}
END
cp "$TEST_TMP/use.c" "$TEST_TMP/use.cc"
cd "$TEST_TMP"
# shellcheck disable=SC2086 # the flags are several words
{
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror use.c $flags -o use_c
    ./use_c
    if command -v g++ >/dev/null; then
        g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror use.cc $flags -o use_cc
        ./use_cc
    fi
}

# DESTDIR only moves the files; what they say stays.
cd - >/dev/null
${MAKE:-make} -s BUILD="$BUILD" DEPS=skip PREFIX=/opt/gyre DESTDIR="$TEST_TMP/dest" install \
    >"$TEST_TMP/log" 2>&1
grep -q '^prefix=/opt/gyre$' "$TEST_TMP/dest/opt/gyre/lib/pkgconfig/gyre.pc"
if grep -rnE '#include "(base|loop|future|coro|net|http)/' "$prefix/include"; then
    echo 'an installed header includes by the path of the source tree'
    exit 1
fi

# The project that stands outside.
if [ -d examples/outside ]; then
    cp -R examples/outside "$TEST_TMP/outside"
    ${MAKE:-make} -C "$TEST_TMP/outside"
    ${MAKE:-make} -C "$TEST_TMP/outside" run
fi
