#!/bin/sh
# Chores from outside: verify, replay and backup while the server takes appends, their progress and trail, who may and who
# sees them, ending them, damage, erasing and stopping in the middle. A backup made under load restores to what was.
set -u
. "$PWD/test/serve_testing.sh"
load=""
trap 'touch stop; kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

json='Content-Type: application/json'
ask() { # ask TOKEN STATUS CODE NAME PATH CURL-ARGUMENTS...: the path is behind /v1
    bearer=$1 wanted=$2 code=$3 name=$4 path=$5
    shift 5
    got=$(curl -s -m 60 -o body -w '%{http_code}' -H "$json" -H "Authorization: Bearer $bearer" "$@" "$base/v1$path")
    judge "$wanted" "$code" "$name"
}
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" body; }
begin() { # begin TOKEN ACCOUNT KIND NAME: a chore; its id in $chore
    ask "$1" 202 - "$4" "/$2/chores" -d "{\"kind\":\"$3\"}"
    chore=$(member chore)
}
# until_fits TOKEN ACCOUNT CHORE EXPRESSION: asks again until its answer fits; half a minute at most.
until_fits() {
    n=0
    while [ "$n" -lt 300 ]; do
        curl -s -m 20 -o body -H "Authorization: Bearer $1" "$base/v1/$2/chores/$3"
        grep -qE "$4" body && return
        n=$((n + 1))
        sleep 0.1
    done
    not_ok "chore $3 comes to $4"
}
over='"state":"(done|failed|ended)"'
position() { curl -s -H "Authorization: Bearer $owner" "$base/v1/default" | sed -n 's/.*"position":\([0-9]*\).*/\1/p'; }

cat >note.json <<'END'
{"module": "note", "version": 1, "truth": "region", "description": "Notes.",
 "fields": {"last": {"type": "integer", "index": true}, "sum": {"type": "integer", "merge": "pn-counter"}},
 "events": {"add": {"data": {"n": {"type": "integer"}},
                    "apply": [{"set": "last", "to": "data.n"}, {"add": "sum", "by": "data.n"}]},
            "say": {"data": {"what": {"type": "string"}}, "apply": [{"set": "last", "to": "size(data.what)"}]}},
 "allow": {"read": "true", "add": "true", "say": "true"}}
END
r() { "$REAKTOR" --data data "$@" >out 2>err; }
r init && r actor add ada && r actor add boss --role admin && r module add note.json && ok 'an account' ||
    { cat err && not_ok 'an account'; }
for name in gone copy full; do
    mkdir -p "data/accounts/$name" && "$REAKTOR" --data "data/accounts/$name" init >/dev/null &&
        "$REAKTOR" --data "data/accounts/$name" module add note.json >/dev/null && ok "the account $name" || not_ok "$name"
done
# So long that it has pages of its own; one byte of it becomes another, wherever it stands.
filler=$(printf '%020000d' 0)
"$REAKTOR" --data data/accounts/copy append note/mark say "{\"what\": \"${filler}EYECATCHER-EYECATCHER$filler\"}" >/dev/null
damaged=0
for at in $(grep -abo EYECATCHER-EYECATCHER data/accounts/copy/log.db | cut -d: -f1); do
    printf x | dd of=data/accounts/copy/log.db bs=1 seek="$at" conv=notrunc 2>/dev/null && damaged=$((damaged + 1))
done
[ "$damaged" -gt 0 ] && ok 'a copy is damaged' || not_ok 'a copy is damaged'
mkdir -p data/backups/full data/backups/default
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do : >"data/backups/full/$n.backup"; done
: >data/backups/default/backup.new-leftOv
start
[ ! -e data/backups/default/backup.new-leftOv ] && ok 'what a dead server left is gone' || not_ok 'a leftover'
owner=$("$REAKTOR" --data data token owner) ada=$("$REAKTOR" --data data token ada)
boss=$("$REAKTOR" --data data token boss) other=$("$REAKTOR" --data data token owner --account copy)
gone=$("$REAKTOR" --data data token owner --account gone) full=$("$REAKTOR" --data data token owner --account full)

# ---- a log that takes a while
events() { # events FIRST COUNT: on 50 notes
    awk -v first="$1" -v count="$2" 'BEGIN { printf "{\"events\":["; for (i = 0; i < count; i++)
        printf "%s{\"entity\":\"note/n%d\",\"type\":\"add\",\"data\":{\"n\":%d}}", i ? "," : "", (first + i) % 50, i + 1
        print "]}" }' >events
}
for batch in 1 2 3 4 5 6 7 8; do
    events "$batch" 2000
    ask "$ada" 201 - "batch $batch" /default/events -d @events
done

# ---- who may
before=$(position)
ask "$ada" 403 forbidden 'no admin, no chore' /default/chores -d '{"kind":"verify"}'
ask "$ada" 403 forbidden 'nor a backup' /default/chores -d '{"kind":"backup"}'
ask "$other" 403 not_a_member 'nor a stranger' /default/chores -d '{"kind":"verify"}'
ask "$owner" 400 bad_request 'a kind that is none' /default/chores -d '{"kind":"erase"}'
ask "$owner" 400 bad_request 'no kind' /default/chores -d '{}'
ask "$full" 413 limit_exceeded 'more backups than may be' /full/chores -d '{"kind":"backup"}'
same 'nothing is left of what was refused' "$(position)" "$before"
ask "$owner" 200 - 'the list' /default/chores
says 'is empty' '{"chores":[]}'

# ---- under load: some 30 appends a second, each on a note of its own number
append_on() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        curl -s -m 30 -o /dev/null -w '%{http_code}\n' -H "$json" -H "Authorization: Bearer $ada" \
            -d "{\"events\":[{\"entity\":\"note/n$((n % 60))\",\"type\":\"add\",\"data\":{\"n\":$n}}]}" \
            "$base/v1/default/events" >>codes
        sleep 0.02
    done
}
: >codes
append_on &
load=$!
begin "$boss" default verify 'verify'
verify=$chore
says 'it waits, or runs already' '"kind":"verify","state":"'
begin "$boss" default replay 'replay'
replay=$chore
begin "$boss" default backup 'backup'
backup=$chore
begin "$owner" default verify 'one of another'
theirs=$chore
ask "$boss" 503 overloaded 'a fifth' /default/chores -d '{"kind":"verify"}'
ask "$owner" 200 - 'another looks' /default/chores
if grep -qF "$verify" body; then not_ok 'and sees its own only'; else ok 'and sees its own only'; fi
says 'which it does' "\"chore\":\"$theirs\""
ask "$owner" 404 not_found 'also by name' "/default/chores/$verify"
ask "$owner" 404 not_found 'nor ends it' "/default/chores/$verify" -X DELETE
ask "$other" 403 not_a_member 'a stranger sees nothing' "/default/chores/$verify"
ask "$boss" 404 not_found 'a chore that there is not' /default/chores/0123456789abcdef0123456789abcdef
ask "$owner" 200 - 'one that waits is ended' "/default/chores/$theirs" -X DELETE
says 'at once' '"state":"ended"'
if grep -q '"started"' body; then not_ok 'it never began'; else ok 'it never began'; fi
until_fits "$boss" default "$verify" '"state":"running","done":[1-9]|"state":"done"'
ok 'progress is shown'
until_fits "$boss" default "$verify" "$over"
says 'verify comes to its end' '"state":"done"'
says 'and finds nothing' '"found":0,"findings":[],"sound":true,"report":{"records":'
same 'it did all' "$(member done)" "$(member total)"
until_fits "$boss" default "$replay" "$over"
says 'replay, too' '"state":"done"'
says 'which differs nowhere' '"differing":0}'
says 'nor finds anything' '"found":0,"findings":[],"sound":true'
until_fits "$boss" default "$backup" "$over"
says 'a backup is made' '"state":"done"'
file=$(member file) at=$(sed -n 's/.*"report":{"position":\([0-9]*\).*/\1/p' body)
sleep 0.3 # the load goes on behind it
touch stop
wait "$load"
rm -f stop
same 'all appends were taken meanwhile' "$(sort -u codes)" 201
[ "$(wc -l <codes)" -gt 10 ] && ok 'and there were some' || not_ok 'and there were some'
[ "$(position)" -gt "$at" ] && ok 'the log went on behind the backup' || not_ok 'the log went on'

# ---- the trail
"$REAKTOR" --data data log account/default --json >trail
same 'checks are in the log' "$(grep -c '"type":"check","actor":"boss"' trail)" 2
same 'also the one that was ended' "$(grep -c '"type":"check","actor":"owner"' trail)" 1
same 'a backup is an export' "$(grep -c '"type":"export","actor":"boss"' trail)" 1

# ---- the backup
same 'it is named by its moment' "$(echo "$file" | sed 's/[0-9]\{8\}T[0-9]\{9\}Z-/TIME-/')" \
    "backups/default/TIME-$at.backup"
same 'nobody else reads it' "$(stat -c %a "data/$file")" 600
same 'nothing lies beside it' "$(ls data/backups/default | wc -l)" 1
"$REAKTOR" restore "data/$file" --data restored >out 2>err && ok 'it is restored' || { cat err && not_ok 'it is restored'; }
same 'up to its position' "$("$REAKTOR" --data restored log --json | wc -l)" "$at"
id=$("$REAKTOR" --data data log --json | sed -n "${at}s/.*\"id\":\"\([0-9A-Z]*\)\".*/\1/p")
"$REAKTOR" --data restored log --json | sed -n 's/.*"entity":"\([^"]*\)".*/\1/p' | sort -u >entities
differing=0
while read -r entity; do
    then=$("$REAKTOR" --data data get "$entity" --at "$id" --json | grep -o '"hash":"[^"]*"')
    now=$("$REAKTOR" --data restored get "$entity" --json | grep -o '"hash":"[^"]*"')
    [ -n "$then" ] && [ "$then" = "$now" ] || differing=$((differing + 1))
done <entities
same 'every state is what it was then' "$differing of $(($(wc -l <entities) > 50))" '0 of 1'

# ---- ended in the middle
# A chore may be faster than who ends it: then another is begun.
end_running() { # end_running KIND
    for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
        curl -s -m 60 -o body -H "$json" -H "Authorization: Bearer $boss" -d "{\"kind\":\"$1\"}" "$base/v1/default/chores"
        chore=$(member chore)
        until_fits "$boss" default "$chore" '"started"'
        curl -s -m 60 -o body -X DELETE -H "Authorization: Bearer $boss" "$base/v1/default/chores/$chore"
        until_fits "$boss" default "$chore" "$over"
        if grep -q '"state":"ended"' body; then
            ok "a running $1 is ended (the ${try}th)"
            return
        fi
        find data/backups/default -newer mark -type f -exec rm {} +
    done
    not_ok "a running $1 is ended"
}
: >mark
end_running verify
end_running replay
end_running backup
same 'and leaves nothing' "$(ls data/backups/default | wc -l)" 1
ask "$boss" 200 - 'ending it again' "/default/chores/$chore" -X DELETE
says 'changes nothing' '"state":"ended"'

# ---- damage is told and read past
begin "$other" copy verify 'a damaged log'
until_fits "$other" copy "$chore" "$over"
says 'is read to its end' '"state":"done"'
says 'and said to be so' '"sound":false'
says 'with the page' '"where":"log.db page '
[ "$(member found)" -gt 0 ] && ok 'all are counted' || not_ok 'all are counted'
begin "$other" copy replay 'its replay'
until_fits "$other" copy "$chore" "$over"
says 'tells it, too' '"sound":false'
begin "$other" copy backup 'its backup'
until_fits "$other" copy "$chore" "$over"
says 'is refused' '"state":"failed"'
says 'by name' '"refusal":{"code":"corrupt"'
same 'and leaves nothing' "$(ls data/backups/copy | wc -l)" 0
same 'in a folder of its owner' "$(stat -c %a data/backups/copy)" 700

# ---- an account that goes
begin "$boss" default verify 'a long one'
long=$chore
begin "$gone" gone verify 'one behind it'
ask "$gone" 200 - 'its account is erased' /gone -X DELETE
n=0
while [ -e data/accounts/gone ] && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
[ ! -e data/accounts/gone ] && ok 'and goes' || not_ok 'and goes'
until_fits "$boss" default "$long" "$over"
says 'the long one went on' '"state":"done"'

# ---- stopping
begin "$boss" default replay 'a replay'
until_fits "$boss" default "$chore" '"state":"(running|done)"'
kill "$server"
wait "$server"
same 'the server stops in the middle' $? 0
start
ask "$boss" 200 - 'after a new start' /default/chores
says 'nothing is remembered' '{"chores":[]}'
begin "$boss" default verify 'and a verify'
until_fits "$boss" default "$chore" "$over"
says 'finds nothing' '"found":0,"findings":[],"sound":true'
