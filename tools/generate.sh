#!/bin/sh
# Writes the generated files that stand in the repository; with --check, compares them instead and names those that are
# stale.
#
# To add one: a function that prints it, and a line at the end.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-write}
stale=0

# generate FILE SOURCE FUNCTION [ARGUMENT...]: FILE is what FUNCTION prints. Nothing happens while SOURCE does not exist.
generate() {
    file=$1
    source=$2
    shift 2
    [ -e "$source" ] || return 0
    fresh=$(mktemp)
    "$@" >"$fresh"
    if [ "$mode" = --check ]; then
        if ! cmp -s "$fresh" "$file"; then
            echo "$file:1: stale: it no longer follows from $source"
            stale=1
        fi
    elif ! cmp -s "$fresh" "$file"; then
        mkdir -p "$(dirname "$file")"
        cat "$fresh" >"$file"
        echo "wrote $file"
    fi
    rm -f "$fresh"
}

errors() { awk -f tools/errors.awk src/base/codes.def; }
builtin() { build/release/tools/embed src/core/module/builtin/*.json; }

generate docs/errors.md src/base/codes.def errors
generate src/core/module/builtin_generated.c build/release/tools/embed builtin

exit $stale
