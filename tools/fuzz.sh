#!/bin/sh
# Runs fuzz targets one after another, each for FUZZ_SECONDS (60), and prints `ok` or `not ok` for each.
#
# New inputs are kept in build/corpus/NAME and used again next time; test/corpus/NAME, where it exists, holds inputs to
# start from. What breaks a target is written to build/corpus/NAME.broken-...; give it to the target to see it again.
set -u
failed=0
for target in "$@"; do
    name=$(basename "$target")
    corpus=build/corpus/$name
    seeds=test/corpus/$name
    [ -d "$seeds" ] || seeds=
    mkdir -p "$corpus"
    started=$(date +%s)
    if "$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$corpus.broken-" "$corpus" $seeds >"$corpus.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$corpus.log")
        echo "ok - $name holds for ${runs:-?} inputs in $(($(date +%s) - started)) s"
    else
        cat "$corpus.log"
        echo "not ok - $name; its input is at $corpus.broken-*"
        failed=1
    fi
done
exit $failed
