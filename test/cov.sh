#!/bin/sh
# Prints the share of lines and branches that the tests reached, a row for each source.
#
#   test/cov.sh OBJECTS SOURCE...    after the tests have run in a build with SAN=coverage
set -u
objects=$1
shift
for source; do
    case $source in
    *.c) ;;
    *) continue ;;
    esac
    # -n: no .gcov files; the first block is the source itself, headers follow.
    gcov -n -b "$objects/${source%.c}.gcno" 2>/dev/null | sed "s,^File .*,& $source,"
done | awk '
    function percent(got, of) { return of ? sprintf("%6.1f %%", 100 * got / of) : "      - " }
    function row(name, got1, of1, got2, of2) {
        printf "%-32s %s %-9s %s %-9s\n", name,
            percent(got1, of1), "of " of1 + 0, percent(got2, of2), "of " of2 + 0
    }
    function count(text,    part) { # "Lines executed:87.50% of 8" -> got, of
        split(text, part, /[:%]| of /)
        of = part[4]
        got = part[2] * of / 100
    }
    /^File / {
        name = substr($2, 2, length($2) - 2)
        sub(/^.*\//, "", name)
        want = $3
        sub(/^.*\//, "", want)
        file = name == want ? $3 : ""
        if (file != "") order[++n] = file
    }
    file != "" && /^Lines executed:/ { count($0); line[file] = got; lines[file] = of }
    file != "" && /^Taken at least once:/ { count($0); taken[file] = got; branches[file] = of }
    /^$/ { file = "" }
    END {
        printf "%-32s %8s %9s %18s\n", "", "lines", "", "branches"
        for (i = 1; i <= n; i++) {
            f = order[i]
            row(f, line[f], lines[f], taken[f], branches[f])
            a += line[f]; b += lines[f]; c += taken[f]; d += branches[f]
        }
        row("all", a, b, c, d)
    }'
