# For the scripts here: the origin, and test/costs/fetches.c built against the release library.
. test/support/origin.sh
"$CC" -std=c11 -D_GNU_SOURCE -I. -O2 -g -fno-builtin -pthread test/costs/fetches.c \
    "$BUILD/libgyre.a" $(pkg-config --libs libcares openssl zlib) -o "$TEST_TMP/fetches"
origin_start
