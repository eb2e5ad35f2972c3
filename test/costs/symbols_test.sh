#!/bin/sh
# What the library calls and what it defines: no look-up that blocks, no select, no switch by the
# kernel, no name that could be the user's.
set -eu
cd "$(dirname "$0")/../.."
command -v nm >/dev/null || { echo 'skipped: nm is not installed'; exit 77; }
nm -g --undefined-only "$BUILD/libgyre.a" | awk '
    { sub(/@.*/, "", $2) }
    $2 ~ /^(getaddrinfo|gethostbyname(_r|2|2_r)?|select|pselect)$/ { print "calls " $2; bad = 1 }
    $2 ~ /^(swap|make|get|set)context$/ && machine == "x86_64" { print "calls " $2; bad = 1 }
    { seen++ }
    END { if (seen < 50) { print "only " seen + 0 " undefined symbols: not the library?"; bad = 1 }
          exit bad }' machine="$(uname -m)"
nm -g --defined-only "$BUILD/libgyre.a" | awk '
    NF == 3 && $3 !~ /^gyre_/ { print "defines " $3; bad = 1 }
    NF == 3 { seen++ }
    END { if (seen < 100) { print "only " seen + 0 " symbols: not the library?"; bad = 1 }
          exit bad }'
