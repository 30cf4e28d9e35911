#!/bin/sh
# Applies the faults of tools/mutants.txt one by one and prints `ok - mutant NAME is caught` for each that makes its
# test fail. `not ok` means: the test passed in spite of it, the expression changed nothing, the mutant does not
# compile, or the test fails without any fault too.
#
#     tools/mutants.sh              all of them
#     tools/mutants.sh WORD...      those with one of the words in their name
#
# Built by gcc without sanitizers, for speed. A test that runs MUTANT_SECONDS (10) longer than three times what it takes
# without a fault counts as failed.
set -u
cd "$(dirname "$0")/.."
table=tools/mutants.txt
failed=0
seen=0

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

list=build/mutants/list
rm -rf build/mutants
mkdir -p build/mutants
mutants "$@" >$list
if [ ! -s $list ]; then
    echo "skip - no mutants are listed in $table"
    exit 0
fi

# Every test is built and must pass without a fault, or its failing says nothing.
programs=$(cut -d'|' -f3 $list | sort -u | sed -n 's,^\(.*\)\.c$,build/release/\1,p')
MAKEFLAGS='' MAKELEVEL='' make -s -j"${JOBS:-2}" $programs || { echo "not ok - the tests of the mutants do not build"; exit 1; }
for program in $programs; do
    log=build/mutants/$(basename "$program").log
    started=$(date +%s)
    if ! run "$program" "$log" 300; then
        cat "$log"
        echo "not ok - $program fails without any mutant"
        failed=1
    fi
    echo $((3 * ($(date +%s) - started) + ${MUTANT_SECONDS:-10})) >"${log%.log}.limit"
done
libraries=$(pkg-config --libs libsodium nettle sqlite3 jansson zlib libmicrohttpd gnutls cmocka)

while IFS='|' read -r name source test expression; do
    seen=$((seen + 1))
    folder=build/mutants/$name
    mutated=$folder/$(basename "$source")
    program=build/release/${test%.c}
    mkdir -p "$folder"
    if [ ! -f "$source" ] || [ ! -f "$test" ]; then refuse "names a file that is not there: $source, $test"; continue; fi
    if ! sed -E "$expression" "$source" >"$mutated"; then refuse "has an expression that sed refuses"; continue; fi
    if cmp -s "$source" "$mutated"; then refuse "changes nothing in $source"; continue; fi
    if ! gcc -std=c11 -D_GNU_SOURCE -Isrc -Iinclude -I"$(dirname "$source")" -w -O1 -c -o "$folder/mutated.o" "$mutated"
    then refuse "does not compile"; continue; fi
    if ! gcc -s -o "$folder/program" "$program.o" "$folder/mutated.o" build/release/libtesting.a build/release/libreaktor.a \
        $libraries -lm -lpthread; then refuse "does not link"; continue; fi
    if run "$folder/program" "$folder/log" "$(cat "build/mutants/$(basename "$program").limit")"; then
        refuse "is not seen by $test: $expression"
        diff "$source" "$mutated"
    else
        echo "ok - mutant $name is caught"
    fi
done <$list
exit $failed
