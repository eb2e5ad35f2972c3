#!/bin/sh
# Runs each fuzz target for FUZZ_SECONDS (20) over the seeds of test/fuzz/corpus/<name>, where
# <name>_fuzz is the program's name. What libFuzzer finds on its way goes to a scratch directory; an
# input that breaks a property is kept beside the program, and its path is printed.
set -u
: "${FUZZ_SECONDS:=20}"
[ $# -gt 0 ] || { echo 'no fuzz targets: there is no test/fuzz/*_fuzz.c'; exit 0; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gyre-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

failed=0
for program; do
    name=$(basename "$program" _fuzz)
    seeds=test/fuzz/corpus/$name
    mkdir "$scratch/$name"
    [ -d "$seeds" ] || { echo "$name: no seeds in $seeds"; failed=$((failed + 1)); continue; }
    # -max_total_time counts from 1: the seeds alone when no time is given.
    if [ "$FUZZ_SECONDS" = 0 ]; then limit=-runs=0; else limit=-max_total_time=$FUZZ_SECONDS; fi
    if "$program" "$limit" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$program." "$scratch/$name" "$seeds" >"$scratch/log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
        echo "$name: $runs inputs, nothing found"
    else
        cat "$scratch/log"
        echo "$name: FAILED"
        failed=$((failed + 1))
    fi
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
