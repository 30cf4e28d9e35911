#!/bin/sh
# Checks what a compiler does not: who includes whom, names, bans, layout. Each violation is printed as file:line: what,
# each check ends in `ok - what` or `not ok - what`, and the last line is `N passed, N failed`.
#
#     tools/tidy.sh                 every check
#     tools/tidy.sh CHECK...        some of them: a check is a function check_CHECK below
#
# tools/tidy_test.sh plants a violation of each kind and expects to be refused: a new check has its plant there.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.."
tools=tools/tidy

files() { find src include test bench tools examples -type f -name "$1" 2>/dev/null | sort; }
c_files() { files '*.[ch]'; }
product() { find "$@" -name '*.c' 2>/dev/null | grep -Ev '_(test|fuzz|testing|bench)\.c$' | sort; }
# Builds without the job server of a make that may have called this script.
build() { MAKEFLAGS='' MAKELEVEL='' make -s -j"${JOBS:-2}" "$@"; }

title_includes="folders include only what modules.txt lets them"
check_includes() {
    list=$(mktemp) found=$(mktemp)
    files '*' | sed 's/^/FILE /' >"$list"
    c_files | xargs -r grep -nE '^[ \t]*#[ \t]*include' /dev/null >"$found"
    awk -f $tools/includes.awk modules.txt "$list" "$found"
    result=$?
    rm -f "$list" "$found"
    return $result
}

title_bans="no banned function is called"
check_bans() { c_files | xargs -r awk -f $tools/strip.awk | awk -f $tools/bans.awk; }

title_words="no note of unfinished work is left"
check_words() {
    ! { files '*.[ch]'; files '*.sh'; files '*.awk'; files '*.def'; ls Makefile modules.txt; } |
        xargs grep -nwE 'FIX[M]E|XX[X]|HAC[K]|TO[D]O' /dev/null
}

title_floats="merging knows no floating point"
check_floats() {
    ! find src/core/merge -name '*.[ch]' 2>/dev/null | xargs -r awk -f $tools/strip.awk |
        grep -wE 'float|double'
}

title_opening="every C file opens with a comment that says its purpose"
check_opening() {
    c_files | xargs -r awk 'FNR == 1 && $0 !~ /^\/[*\/]/ { print FILENAME ":1: opens without a comment"; bad = 1 }
        END { exit bad }'
}

title_width="no line is longer than 120 columns"
check_width() {
    c_files | xargs -r awk '{ text = $0; gsub(/[\200-\277]/, "", text) }
        length(text) > 120 { print FILENAME ":" FNR ": " length(text) " columns"; bad = 1 }
        END { exit bad }'
}

title_size="no file is longer than 1000 lines"
check_size() {
    c_files | xargs -r awk 'FNR == 1001 { print FILENAME ":1001: passes 1000 lines"; bad = 1 } END { exit bad }'
}

title_functions="nine functions in ten fit 70 lines"
check_functions() { product src | xargs -r awk -f $tools/lengths.awk; }

title_format="the layout is clang-format's (make format)"
check_format() {
    command -v clang-format-14 >/dev/null || { echo "clang-format-14 is not installed"; return 1; }
    c_files | xargs -r -P "${JOBS:-2}" -n 20 clang-format-14 --dry-run -Werror --ferror-limit=1 2>&1 | grep -E 'error:' |
        sed 's/: error:.*/: not laid out by .clang-format/' | sort | awk '{ print; bad = 1 } END { exit bad }'
}

# Prints source, section and name of every symbol that the product defines: "src/a/b.c .text rk_b".
symbols() {
    build build/release/libreaktor.a >&2 || { echo "build .text the_library_does_not_build"; return; }
    product src | while read -r source; do
        object=build/release/${source%.c}.o
        [ -e "$object" ] || continue
        nm --defined-only -f sysv ${1:-} "$object" | awk -F'|' -v source="$source" '
            NF == 7 { gsub(/ /, ""); sub(/^\*COM\*$/, ".bss", $7); print source, $7, $1 }'
    done
}
# Reads "source section name" and prints source:line: NAME TEXT.
at_line() {
    while read -r source section name; do
        line=$(grep -nw -m1 -e "${name%%.*}" "$source" 2>/dev/null | cut -d: -f1)
        echo "$source:${line:-1}: $name $1"
    done | awk '{ print; bad = 1 } END { exit bad }'
}

title_names="every name that leaves a file begins with rk_ or rki_"
check_names() { symbols -g | awk '$3 !~ /^rki?_/ && $3 != "main"' | at_line "leaves its file without rk_ or rki_"; }

title_private="an rki_ name is used in its own folder only"
check_private() {
    symbols -g | awk '$3 ~ /^rki_/ { sub(/\/[^\/]*$/, "", $1); print $3, $1 }' >build/private.list
    product src | while read -r source; do
        object=build/release/${source%.c}.o
        [ ! -e "$object" ] || nm -u "$object" | awk -v source="$source" '$2 ~ /^rki_/ { print $2, source }'
    done | awk 'NR == FNR { home[$1] = $2; next }
        { folder = $2; sub(/\/[^\/]*$/, "", folder) }
        home[$1] != folder { print $2, ".text", $1 }' build/private.list - | at_line "is private to another folder"
}

title_globals="core holds no variable that changes"
check_globals() {
    symbols | awk '$1 ~ /^src\/core\// && $2 ~ /^\.(bss|data|tbss|tdata)/ && $2 !~ /^\.data\.rel\.ro/ &&
        $3 !~ /^\./' | at_line "is a global variable"
}

title_generated="generated files are fresh (make generate)"
check_generated() { sh tools/generate.sh --check; }

title_wasm="base and core compile and link whole for WebAssembly"
check_wasm() { [ -z "$(product src/base src/core)" ] || build build/wasm/core.wasm 2>&1; }

checks="includes bans words floats opening width size functions format names private globals generated wasm"
passed=0 failed=0
mkdir -p build
for check in ${*:-$checks}; do
    eval title=\$title_"$check"
    if check_"$check"; then
        echo "ok - $title"
        passed=$((passed + 1))
    else
        echo "not ok - $title"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
