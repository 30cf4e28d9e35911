#!/bin/sh
# A state, an event, a batch and a record changed by hand, with another tool: replay and verify name what it is, and
# nothing wrong is served.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset REAKTOR_DATA
ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; }
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2' is not '$3'"; fi; }

"$REAKTOR" --data "$work/sound" init >/dev/null
"$REAKTOR" --data "$work/sound" module add examples/modules/document.json >/dev/null
awk 'BEGIN { for (i = 0; i < 400; i++) printf "{\"entity\":\"document/d\",\"type\":\"write\",\"data\":{\"edits\":[[0,0,\"line %d of many \"]]}}\n", i }' \
    >"$work/lines.jsonl"
for i in 1 2; do "$REAKTOR" --data "$work/sound" append --batch "$work/lines.jsonl" >/dev/null; done
"$REAKTOR" --data "$work/sound" replay >"$work/out" && ok 'a sound database replays'
check 'and a stored state was compared' "$(sed 's/.*, \([0-9]*\) states.*/\1/' "$work/out")" 1
"$REAKTOR" --data "$work/sound" verify >/dev/null && ok 'a sound database verifies'

# tamper NAME SQL: changes a copy, and says in $work/NAME.replay and .verify what the commands print
tamper() {
    cp -a "$work/sound" "$work/$1"
    sqlite3 "$work/$1/log.db" "$2"
    "$REAKTOR" --data "$work/$1" replay >"$work/$1.replay" 2>&1
    replayed=$?
    "$REAKTOR" --data "$work/$1" verify >"$work/$1.verify" 2>&1
    verified=$?
    "$REAKTOR" --data "$work/$1" get document/d >"$work/$1.get" 2>&1
    got=$?
}
# Turns the case of one letter of a blob, in the middle of it.
flip() { echo "UPDATE $1 SET bytes = CAST(substr(bytes, 1, length(bytes)/2) || x'7e' || substr(bytes, length(bytes)/2 + 2) AS BLOB) WHERE $2"; }

tamper state "$(flip state 1)"
check 'a changed state: replay exits with 3' "$replayed" 3
grep -q '^document/d: ' "$work/state.replay" && ok 'and names the entity' || not_ok 'and names the entity'
check 'reading it exits with 3' "$got" 3

tamper event "$(flip event 'position = 100')"
check 'a changed event: verify exits with 3' "$verified" 3
grep -Eq '^(record|position|event) ' "$work/event.verify" && ok 'and names it' || not_ok 'and names it'

tamper record "$(flip record 'record = 3')"
check 'a changed record: verify exits with 3' "$verified" 3
grep -q '^record 3' "$work/record.verify" && ok 'and names it' || not_ok 'and names it'

tamper batch "$(flip batch 'record = 3' | sed 's/bytes/seal/g')"
check 'a changed batch: verify exits with 3' "$verified" 3
grep -q '^record 3' "$work/batch.verify" && ok 'and names the record of it' || not_ok 'and names the record of it'
