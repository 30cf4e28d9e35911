#!/bin/sh
# Shows that tools/tidy.sh refuses what it says it refuses: plants one violation of each kind into a scratch copy of the
# house (all headers, no other C source), runs the one check that must see it, and expects a refusal that names the file.
set -u
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
failed=0

cp -R Makefile modules.txt .clang-format tools "$scratch/"
for folder in src include; do
    [ ! -d $folder ] || find $folder -name '*.h' -o -name '*.def' | while read -r file; do
        mkdir -p "$scratch/$(dirname "$file")"
        cp "$file" "$scratch/$file"
    done
done
cd "$scratch" || exit 1

tidy() { sh tools/tidy.sh "$@" >tidy.log 2>&1; }

# plant PATH TEXT: writes a file, remembered so that it can be taken away again.
planted=""
plant() {
    mkdir -p "$(dirname "$1")"
    printf "$2" >"$1"
    planted="$planted $1"
}
# refused CHECK TITLE [PATH]: the check must fail and name PATH, by default the last planted file.
refused() {
    expected=${3:-${planted##* }}
    if tidy "$1"; then
        cat tidy.log
        echo "not ok - tidy refuses $2"
        failed=1
    elif ! grep -q "$expected" tidy.log; then
        cat tidy.log
        echo "not ok - tidy refuses $2, naming $expected"
        failed=1
    else
        echo "ok - tidy refuses $2"
    fi
    rm -rf $planted build
    planted=""
}
c='/* Planted. */\n'

plant src/core/event/planted.h "$c"
plant src/core/value/planted.c "$c"'#include "core/event/planted.h"\n'
refused includes "an include against the direction"
plant src/core/value/planted.c "$c"'#include <stdio.h>\n'
refused includes "a system header in core"
plant src/engine/planted.c "$c"'#include <unistd.h>\n'
refused includes "a system header outside src/io"
plant src/store/planted.c "$c"'#include <sqlite3.h>\n'
refused includes "sqlite3.h outside src/store/sqlite"
plant src/base/planted_testing.h "$c"
plant src/base/planted.c "$c"'#include "base/planted_testing.h"\n'
refused includes "test support in the product"
plant src/base/planted.c "$c"'#include "base/planted_nowhere.h"\n'
refused includes "a header that is not there"
plant src/planted/planted.c "$c"
refused includes "a folder that modules.txt does not list"
cp modules.txt modules.kept
printf 'src/planted_a: src/planted_b |\nsrc/planted_b: src/planted_a |\n' >>modules.txt
refused includes "a circle in modules.txt" "src/planted_a depends on itself"
cp modules.kept modules.txt
printf 'src/planted: src/planted_b |\n' >>modules.txt
refused includes "an unlisted name in modules.txt" "src/planted_b, which is not listed"
cp modules.kept modules.txt

for call in 'strcpy(a, b)' 'strcat(a, b)' 'sprintf(a, b)' 'gets(a)' 'strtok(a, b)' 'atoi(a)' 'alloca(1)' 'malloc (1)' \
    'calloc(1, 1)' 'realloc(a, 1)' 'free(a)' 'printf(a)' 'snprintf(a, 1, b)'; do
    plant src/core/value/planted.c "$c"'void *rk_planted(void) {\n    return /* */ '"$call"';\n}\n'
    refused bans "$call in core" src/core/value/planted.c:3
done
plant src/engine/planted.c "$c"'int a = malloc(1);\n'
refused bans "malloc outside src/io and src/base"
plant src/store/planted.c "$c"'int a = printf("x");\n'
refused bans "printing outside the door"
plant src/core/value/planted.c "$c"'/* malloc(1) */ const char *a = "free(1) \\" printf("; // gets(a)\nint b = x->free(1) + x.free(1);\n'
if tidy bans; then echo "ok - tidy lets comments, texts and members be"; else
    cat tidy.log
    echo "not ok - tidy lets comments, texts and members be"
    failed=1
fi
rm -f src/core/value/planted.c
planted=""

for word in FIX''ME XX''X HA''CK TO''DO; do
    plant src/base/planted.c "/* Planted. $word: later */\n"
    refused words "the word $word" src/base/planted.c:1
done
plant src/core/merge/planted.c "$c"'static const double x = 1;\n'
refused floats "a double in a merge" src/core/merge/planted.c:2
plant src/core/merge/planted.h "$c"'void rk_planted(float x);\n'
refused floats "a float in a merge" src/core/merge/planted.h:2
plant src/base/planted.c 'int x;\n'
refused opening "a file without an opening comment"
plant src/base/planted.c "$c// $(printf %0121d 0)\n"
refused width "a line over 120 columns" src/base/planted.c:2
plant src/base/planted.c "$c$(awk 'BEGIN { while (n++ < 1001) printf "\\n" }')"
refused size "a file over 1000 lines"
body=$(awk 'BEGIN { while (n++ < 70) printf "    x++;\\n" }')
plant src/base/planted.c "$c"'int rk_planted(int x,\n               int y) {\n'"$body"'    return x;\n}\n'
refused functions "more than one function in ten over 70 lines" src/base/planted.c:3
plant src/base/planted.c "$c"'int   x;\n'
refused format "another layout than .clang-format's"

plant src/base/planted.c "$c"'int planted_add(int a);\nint planted_add(int a) {\n    return a;\n}\n'
refused names "a name that leaves its file without rk_" src/base/planted.c:2
plant src/base/planted.c "$c"'int rki_planted(void);\nint rki_planted(void) {\n    return 1;\n}\n'
plant src/core/value/planted.c "$c"'int rki_planted(void);\nint rk_planted(void);\nint rk_planted(void) {\n    return rki_planted();\n}\n'
refused private "the use of another folder's rki_ name" src/core/value/planted.c
plant src/core/value/planted.c "$c"'int rk_planted(void);\nint rk_planted(void) {\n    static int planted_count;\n    return planted_count++;\n}\n'
refused globals "a variable that changes in core" src/core/value/planted.c:4
plant src/core/value/planted.c "$c"'int rk_planted(void);\nint rk_planted_host(void);\nint rk_planted(void) {\n    return rk_planted_host();\n}\n'
refused wasm "core that needs something from outside" rk_planted_host

rm -rf src
plant docs/errors.md 'stale\n'
plant src/base/codes.def 'RK_CODE(PLANTED, 1, "planted", 1, "a meaning", "a hint")\n'
refused generated "a stale generated file" docs/errors.md
exit $failed
