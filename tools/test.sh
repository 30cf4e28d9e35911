#!/bin/sh
# Runs every test: the cmocka programs, the black-box scripts of test/, each fuzz target for a moment, the mutants and
# the tidy checks, JOBS (2) at a time. `make test` builds what this runs.
#
# One line a program: how many passed, failed and were skipped, and in how many seconds. The output of a program that
# failed is shown whole; all output is in build/test-logs. The last line is `N passed, N failed[, N skipped]`.
#
# A program counts what it prints: `ok ...`, `not ok ...`, `skip ...`, or cmocka's TAP with `# SKIP`. A crash, a time-out,
# a plan that was not finished, and silence are failures as well.
#
#     tools/test.sh                    everything
#     tools/test.sh WORD...            only what has one of the words in its name (`make programs` first)
#
# JOBS how many at once; FUZZ_SHORT seconds for each fuzz target (5); TEST_SECONDS the limit of one program (420).
set -u
cd "$(dirname "$0")/.."
logs=build/test-logs
JOBS=${JOBS:-2}
FUZZ_SHORT=${FUZZ_SHORT:-5}
TEST_SECONDS=${TEST_SECONDS:-420}

# Prints "passed failed skipped" of a log, given the exit status of the program that wrote it.
count() {
    awk -v status="$2" '
        /^1\.\.[0-9]+/ { planned += substr($1, 4) }
        /^(not )?ok .*# SKIP/ { skipped++; next }
        /^ok( |$)/ { passed++; next }
        /^not ok( |$)/ { failed++; next }
        /^skip( |$)/ { skipped++ }
        END {
            seen = passed + failed + skipped
            if (planned > seen) failed += planned - seen
            else if (status != 0 && failed == 0) failed++
            else if (seen == 0) failed++
            print passed + 0, failed + 0, skipped + 0
        }' "$1"
}

# The programs print about themselves; a fuzz target and a sanitizer only leave an exit status.
run() {
    case $1 in
    build/*_fuzz)
        FUZZ_SECONDS=$FUZZ_SHORT sh tools/fuzz.sh "$1"
        ;;
    build/*_test) CMOCKA_MESSAGE_OUTPUT=TAP "$1" ;;
    *) sh "$1" ;;
    esac
}

one() {
    name=${1#build/san/}
    log=$logs/$(printf %s "$name" | tr / -)
    started=$(date +%s)
    # The number of the process that sh gives back when killed by a signal is 128 + signal: not zero, so it counts.
    timeout -k 5 "$TEST_SECONDS" sh "$0" --run "$1" >"$log.log" 2>&1 </dev/null
    status=$?
    seconds=$(($(date +%s) - started))
    result=$(count "$log.log" $status)
    echo "$result" >"$log.result"
    set -- $result
    line=$(printf '%-46s %5d passed' "$name" "$1")
    [ "$2" = 0 ] || line="$line, $2 FAILED"
    [ "$3" = 0 ] || line="$line, $3 skipped"
    text="$line  (${seconds}s)"
    if [ "$2" != 0 ]; then
        reason="exit status $status"
        [ $status != 124 ] || reason="stopped after $TEST_SECONDS seconds"
        text="$text
---- output of $name ($reason)
$(sed 's/^/    /' "$log.log")
---- end of $name"
    fi
    printf '%s\n' "$text"
}

case ${1:-} in
--run) run "$2"; exit ;;
--one) one "$2"; exit ;;
esac

REAKTOR=$PWD/build/san/reaktor
REAKTOR_SHARED=${REAKTOR_SHARED:-$PWD/../shared/data}
export REAKTOR REAKTOR_SHARED JOBS FUZZ_SHORT TEST_SECONDS
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

# The long ones first, so that the last minute is not spent waiting for one of them.
list() {
    echo tools/mutants.sh
    echo tools/tidy.sh
    echo tools/tidy_test.sh
    ls test/*_test.sh 2>/dev/null
    find src test -name '*_test.c' 2>/dev/null | LC_ALL=C sort | sed 's,^,build/san/,; s,\.c$,,'
    find src test -name '*_fuzz.c' 2>/dev/null | LC_ALL=C sort | sed 's,^,build/san/,; s,\.c$,,'
}
wanted() {
    [ $# -gt 0 ] || { cat; return; }
    while read -r program; do
        for word in "$@"; do
            case $program in *"$word"*) echo "$program"; break ;; esac
        done
    done
}

rm -rf "$logs"
mkdir -p "$logs"
list | wanted "$@" | xargs -r -P "$JOBS" -n 1 sh "$0" --one
find "$logs" -name '*.result' -exec cat {} + | awk -v programs="$(list | wanted "$@" | wc -l)" '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        if (NR != programs) failed += programs - NR # a runner that was itself killed
        if (passed + failed + skipped == 0) failed = 1
        printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
        exit failed > 0
    }'
