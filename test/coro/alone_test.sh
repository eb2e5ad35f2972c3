#!/bin/sh
# The coroutine library is usable alone: a generator program of base/, loop/, future/ and coro/
# objects only, which needs neither sockets nor name servers nor TLS.
set -eu
: "${CC:=cc}" "${TEST_TMP:=$(mktemp -d)}"
assembly=coro/switch_$(uname -m).S
foreign=$([ "$(uname -s)" = Linux ] && echo kqueue || echo epoll)
[ -e "$assembly" ] && other=coro/switch_ucontext.c || { assembly= other=; }
sources=$(ls base/*.c loop/*.c future/*.c coro/*.c |
    grep -vxF -e "loop/$foreign.c" -e "${other:-no}")

"$CC" -std=c11 -D_GNU_SOURCE -I. -pthread -O1 -DGYRE_BACKEND_DEFAULT='"poll"' \
    examples/generator.c $sources $assembly -o "$TEST_TMP/generator"
"$TEST_TMP/generator" >"$TEST_TMP/output"
[ "$(wc -l <"$TEST_TMP/output")" -eq 20 ]
grep -qx '4181 (mean 547.25)' "$TEST_TMP/output"

network=' (socket|connect|bind|getaddrinfo|ares_|SSL_|deflate)'
if nm -u "$TEST_TMP/generator" | grep -E "$network"; then
    echo 'the coroutine library alone needs the network'
    exit 1
fi
