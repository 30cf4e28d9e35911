#!/bin/sh
# Applies the faults of tools/mutants.txt, each alone, and prints `ok - mutant NAME is caught` for each that makes its
# test fail. `not ok` means: the test passed in spite of it, the expression changed nothing, the mutant does not
# compile, or the test fails without any fault too.
#
#     tools/mutants.sh              all of them
#     tools/mutants.sh WORD...      those with one of the words in their name
#
# JOBS (2) tests at a time.
# Built by gcc without sanitizers, for speed. A test that runs MUTANT_SECONDS (20) longer than three times what it takes
# without a fault counts as failed.
set -u
cd "$(dirname "$0")/.."
table=tools/mutants.txt
list=build/mutants/list

# The table without comments, as lines "name|source|test|expression".
mutants() {
    awk '/^[ \t]*(#|$)/ { next }
        { count = split($0, part, "|"); if (count < 4) { print "broken|line " NR "||"; next }
          expression = part[3]; for (i = 4; i < count; i++) expression = expression "|" part[i]
          for (i in part) gsub(/^[ \t]+|[ \t]+$/, "", part[i])
          gsub(/^[ \t]+|[ \t]+$/, "", expression)
          print part[1] "|" part[2] "|" part[count] "|" expression }' "$table" |
        if [ $# = 0 ]; then cat; else grep -E "^[^|]*($(echo "$*" | tr ' ' '|'))"; fi
}
refuse() { echo "not ok - mutant $name $1"; failed=1; }
# run PROGRAM LOG SECONDS: a mutant is caught by the first test that fails, for cmocka then stops there.
run() { (ulimit -v 8000000; ulimit -c 0; CMOCKA_TEST_ABORT=1 timeout -k 5 "$3" "$1"; exit $?) >"$2" 2>&1 </dev/null; }

# All mutants of one test, which must pass without a fault, or its failing says nothing.
of_test() {
    test=$1
    program=build/release/${test%.c}
    log=build/mutants/$(echo "$test" | tr / -).log
    libraries=$(pkg-config --libs libsodium nettle sqlite3 jansson zlib libmicrohttpd gnutls cmocka)
    failed=0
    started=$(date +%s)
    if [ -f "$test" ] && ! run "$program" "$log" 300; then
        cat "$log"
        echo "not ok - $program fails without any mutant"
        failed=1
    fi
    limit=$((3 * ($(date +%s) - started) + ${MUTANT_SECONDS:-20}))
    awk -F'|' -v test="$test" '$3 == test' $list >"${log%.log}.list"
    while IFS='|' read -r name source test expression; do
        folder=build/mutants/$name
        mutated=$folder/$(basename "$source")
        mkdir -p "$folder"
        if [ ! -f "$source" ] || [ ! -f "$test" ]; then refuse "names a file that is not there: $source, $test"; continue; fi
        if ! sed -E "$expression" "$source" >"$mutated"; then refuse "has an expression that sed refuses"; continue; fi
        if cmp -s "$source" "$mutated"; then refuse "changes nothing in $source"; continue; fi
        if ! gcc -std=c11 -D_GNU_SOURCE -Isrc -Iinclude -I"$(dirname "$source")" -w -O1 -c -o "$folder/mutated.o" "$mutated"
        then refuse "does not compile"; continue; fi
        if ! gcc -s -o "$folder/program" "$program.o" "$folder/mutated.o" build/release/libtesting.a \
            build/release/libreaktor.a $libraries -lm -lpthread; then refuse "does not link"; continue; fi
        if run "$folder/program" "$folder/log" $limit; then
            refuse "is not seen by $test: $expression"
            diff "$source" "$mutated"
        else
            echo "ok - mutant $name is caught"
        fi
    done <"${log%.log}.list"
    return $failed
}

if [ "${1:-}" = --test ]; then
    of_test "$2"
    exit
fi

rm -rf build/mutants
mkdir -p build/mutants
mutants "$@" >$list
if [ ! -s $list ]; then
    echo "skip - no mutants are listed in $table"
    exit 0
fi
programs=$(cut -d'|' -f3 $list | sort -u | sed -n 's,^\(.*\)\.c$,build/release/\1,p')
MAKEFLAGS='' MAKELEVEL='' make -s -j"${JOBS:-2}" $programs || { echo "not ok - the tests of the mutants do not build"; exit 1; }
# The tests with the most mutants first.
cut -d'|' -f3 $list | sort | uniq -c | sort -rn | sed 's/^ *[0-9]* //' | xargs -d '\n' -P "${JOBS:-2}" -n 1 sh "$0" --test
