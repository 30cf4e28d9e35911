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
format() {
    (cd src && awk -f ../tools/format.awk core/value/id.h core/value/cbor.h core/event/event.h core/event/batch.h \
        core/event/record.h core/event/cose.h core/event/merkle.h core/reduce/state.h core/merge/merge.h \
        core/merge/lww.h core/merge/sum.h core/merge/g_counter.h core/merge/pn_counter.h core/merge/or_set.h \
        core/merge/rga.h core/sync/frame.h door/export_file.h door/http/challenge.h door/http/sessions.h io/keys.h io/place.h)
}
builtin() { build/release/tools/embed src/core/module/builtin/*.json; }
api() { build/release/tools/api "$1" api/operations.json; }

generate docs/errors.md src/base/codes.def errors
generate docs/format.md tools/format.awk format
generate src/core/module/builtin_generated.c build/release/tools/embed builtin

generate src/door/http/operations.def api/operations.json api def
generate src/door/http/openapi_generated.c api/operations.json api embed
generate api/openapi.json api/operations.json api openapi
generate docs/api.md api/operations.json api docs
generate client/api.ts api/operations.json api ts

exit $stale
