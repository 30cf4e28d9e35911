#!/bin/sh
# A trace goes through the program: imported into a fresh folder, read, folded again, verified.
set -u
module=$PWD/examples/modules/document.json
trace=${REAKTOR_SHARED:-$PWD/../shared/data}/traces/sveltecomponent.json.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset REAKTOR_DATA

if [ ! -f "$trace" ]; then
    echo "skip - a trace through the program: $trace is missing"
    exit 0
fi

failures=0
ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    failures=$((failures + 1))
}
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2' is not '$3'"; fi; }
does() { if "$REAKTOR" --data place "$@" >out 2>err; then ok "$1"; else cat err; not_ok "$*: exit status $?"; fi; }
field() { sed 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/' out; }

does init
does module add "$module"
does import --trace "$trace" document/d --json
check "each transaction is one event" "$(field events)" 18335
does get document/d --json
check "the document is at the last of them" "$(field version)" 18335
hash=$(field hash)
does get document/d --at 18335 --json
check "read at that version it has the same hash" "$(field hash)" "$hash"
does get document/d --at 1
does replay
does replay document/d
does verify

"$REAKTOR" --data place import --trace "$trace" document/d >out 2>err
check "a second time it is refused" "$?" 1
does verify
exit $((failures > 0))
