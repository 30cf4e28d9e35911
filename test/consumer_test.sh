#!/bin/sh
# Named consumers from outside, with curl: defining, taking, acknowledging; what is given again, parked and tried again;
# who may; waiting; what survives a restart, kill -9 and a truth that was restored.
set -u
. "$PWD/test/serve_testing.sh"

# as TOKEN STATUS CODE NAME METHOD PATH [BODY]
as() {
    set -- "$1" "$2" "$3" "$4" "$5" "$6" "${7-}"
    if [ -n "$7" ]; then
        got=$(curl -s -m 20 -o body -w '%{http_code}' -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
            -X "$5" -d "$7" "$base/v1/default/$6")
    else
        got=$(curl -s -m 20 -o body -w '%{http_code}' -H "Authorization: Bearer $1" -X "$5" "$base/v1/default/$6")
    fi
    judge "$2" "$3" "$4"
}
# given NAME NUMBERS...: the numbers in the data of the events that were given, in order.
given() {
    name=$1
    shift
    got=$(grep -o '"data":{"n":[0-9]*' body | sed 's/.*://' | tr '\n' ' ')
    if [ "$got" = "${*:+$* }" ]; then ok "$name"; else not_ok "$name ($got, not $*)"; fi
}
# The positions of what was given, as a body.
positions() { echo "{\"positions\":[$(grep -o '"delivery":{"position":[0-9]*' body | sed 's/.*://' | paste -sd, -)]}"; }
add() { # add ACTOR-TOKEN ENTITY N
    curl -s -m 20 -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
        -d "{\"events\":[{\"entity\":\"$2\",\"type\":\"add\",\"data\":{\"n\":$3}}]}" "$base/v1/default/events" >>codes
}

cat >note.json <<'EOF'
{"module": "note", "version": 1, "truth": "region", "description": "Numbers.", "fields": {"last": {"type": "integer"}},
 "events": {"add": {"data": {"n": {"type": "integer"}}, "apply": [{"set": "last", "to": "data.n"}]}},
 "allow": {"read": "entity.id.startsWith('open') || entity.id == actor.id || actor.id == 'boss'", "add": "true"}}
EOF
r() { "$REAKTOR" --data data "$@" >/dev/null 2>&1; }
r init && r actor add boss && r actor add ada && r actor add bob && r actor add eve && r module add note.json &&
    ok 'an account' || not_ok 'an account'
start
boss=$("$REAKTOR" --data data token boss) ada=$("$REAKTOR" --data data token ada) bob=$("$REAKTOR" --data data token bob)
eve=$("$REAKTOR" --data data token eve) owner=$("$REAKTOR" --data data token owner)
for n in 1 2 3 4 5; do add "$ada" note/open "$n"; done
[ "$(grep -c 201 codes)" = 5 ] && ok 'some events' || not_ok 'some events'

# ---- defining
as "$boss" 201 - 'a consumer is defined' PUT consumers/work '{"workers":["ada","bob"],"where":"event.module == \"note\"","lease":1000,"attempts":2}'
as "$boss" 200 - 'and shown' GET consumers/work
says 'as it was defined' '"definition":{"owner":"boss","workers":["ada","bob"],"where":"event.module == \"note\"","from":0,"lease":1000,"attempts":2}'
says 'at the beginning' '"position":0},"seen":0,"in_flight":0,"waiting":0,"parked":0,'
as "$ada" 200 - 'a worker sees it' GET consumers/work
as "$eve" 403 forbidden 'another does not' GET consumers/work
as "$eve" 403 forbidden 'nor takes from it' POST consumers/work/take '{}'
as "$eve" 403 forbidden 'nor acknowledges' POST consumers/work/ack '{"positions":[1]}'
as "$eve" 403 forbidden 'nor gives back' POST consumers/work/release '{"positions":[1]}'
as "$eve" 403 forbidden 'nor sees what is parked' GET consumers/work/parked
as "$eve" 403 forbidden 'nor changes it' PUT consumers/work '{}'
as "$ada" 403 forbidden 'a worker does not change it either' PUT consumers/work '{}'
as "$ada" 403 forbidden 'nor remove it' DELETE consumers/work
as "$eve" 200 - 'a list' GET consumers
says 'shows nothing to her' '{"consumers":[]}'
as "$bob" 200 - 'to a worker' GET consumers
says 'it does' '"consumers":[{"consumer":"work","version":1,'
as "$ada" 404 not_found 'a consumer that there is not' GET consumers/nothing
as "$ada" 404 not_found 'gives nothing' POST consumers/nothing/take '{}'
as "$ada" 400 bad_id 'a name that is none' PUT consumers/No '{}'
as "$ada" 400 bad_id 'also for taking' POST consumers/No/take '{}'
as "$ada" 400 bad_expression 'a filter that is none' PUT consumers/x '{"where":"event.nothing"}'
as "$ada" 422 bad_data 'an unknown word' PUT consumers/x '{"were":"true"}'
as "$ada" 422 bad_data 'a lease that is none' PUT consumers/x '{"lease":1}'
as "$ada" 400 bad_id 'an entity that is none' PUT consumers/x '{"entity":"x"}'

# ---- taking
as "$ada" 400 bad_request 'a limit that is none' POST consumers/work/take '{"limit":0}'
as "$ada" 400 bad_request 'a wait that is too long' POST consumers/work/take '{"wait_ms":30001}'
as "$ada" 400 bad_request 'another word' POST consumers/work/take '{"n":1}'
as "$ada" 200 - 'ada takes two' POST consumers/work/take '{"limit":2}'
given 'the first ones' 1 2
says 'delivered once' '"attempt":1'
says 'with a time' '"lease_until":"20'
mine=$(positions)
as "$bob" 200 - 'bob takes' POST consumers/work/take '{"limit":2}'
given 'the next' 3 4
as "$bob" 200 - 'bob acknowledges what is adas' POST consumers/work/ack "$mine"
says 'in vain' '{"done":[],"unknown":['
as "$ada" 200 - 'ada acknowledges hers' POST consumers/work/ack "$mine"
says 'and it is done' '"unknown":[]'
as "$ada" 200 - 'twice' POST consumers/work/ack "$mine"
says 'is in vain' '{"done":[],'
as "$ada" 200 - 'what comes after bobs' POST consumers/work/take '{}'
given 'is taken and acknowledged first' 5
as "$ada" 200 - 'by ada' POST consumers/work/ack "$(positions)"
cursor=$(sed 's/.*"cursor":\([0-9]*\).*/\1/' body)
as "$ada" 200 - 'but the cursor waits' GET consumers/work
says 'for what bob has' "\"position\":$cursor},"
says 'which is two' '"in_flight":2'
as "$ada" 200 - 'there is nothing else' POST consumers/work/take '{}'
given 'for now'
sleep 1.2
as "$ada" 200 - 'his time has passed' POST consumers/work/take '{}'
given 'so ada is given what he had' 3 4
says 'a second time' '"attempt":2'
mine=$(positions)
first=$(echo "$mine" | sed 's/.*\[\([0-9]*\),.*/\1/') second=$(echo "$mine" | sed 's/.*,\([0-9]*\)\].*/\1/')
as "$ada" 200 - 'one is given back' POST consumers/work/release "{\"positions\":[$first]}"
as "$bob" 200 - 'after its last attempt' POST consumers/work/take '{}'
given 'it is given to nobody'
as "$bob" 200 - 'but parked' GET consumers/work/parked
says 'after two attempts' "{\"parked\":[{\"position\":$first,\"attempt\":2,"
says 'for that reason' '"reason":"it was given out 2 times"'
as "$ada" 200 - 'the other is parked by hand' POST consumers/work/release "{\"positions\":[$second],\"park\":true,\"reason\":\"bad\\\"luck\"}"
as "$ada" 200 - 'and stands there' GET 'consumers/work/parked?limit=1'
says 'on the next page' "\"count\":2,\"next\":$first}"
as "$ada" 200 - 'which is' GET "consumers/work/parked?after=$first"
says 'with its reason' '"reason":"bad\"luck"}],"count":2}'
as "$ada" 200 - 'others go on' GET consumers/work
says 'and so does the cursor' '"in_flight":0,"waiting":0,"parked":2,"lag":0'
as "$ada" 200 - 'a parked event is tried again' POST consumers/work/parked/retry "{\"positions\":[$first,77777]}"
says 'and only one that is parked' "{\"done\":[$first],\"unknown\":[77777],\"cursor\":$((first - 1))}"
as "$bob" 200 - 'it comes' POST consumers/work/take '{}'
given 'again' 3
says 'as if for the first time' '"attempt":1'
as "$bob" 200 - 'and is done with' POST consumers/work/ack "$(positions)"
as "$ada" 200 - 'the other is dropped' POST consumers/work/parked/drop "{\"positions\":[$second]}"
as "$ada" 200 - 'so that nothing' GET consumers/work/parked
says 'is parked' '{"parked":[],"count":0}'
as "$ada" 400 bad_request 'no positions' POST consumers/work/ack '{"positions":[]}'
as "$ada" 400 bad_request 'what is no position' POST consumers/work/ack '{"positions":["1"]}'
as "$ada" 400 bad_request 'what is no release' POST consumers/work/release '{"positions":[1],"park":1}'

# ---- what a rule hides
add "$ada" note/ada 10
add "$bob" note/bob 11
add "$eve" note/eve 12
add "$bob" note/open 13
as "$bob" 200 - 'bob takes' POST consumers/work/take '{}'
given 'what he may read' 11 13
as "$bob" 200 - 'and is done' POST consumers/work/ack "$(positions)"
as "$ada" 200 - 'ada takes' POST consumers/work/take '{}'
given 'what only she may read' 10
as "$ada" 200 - 'and is done' POST consumers/work/ack "$(positions)"
as "$ada" 200 - 'what nobody takes' GET consumers/work
says 'waits' '"in_flight":0,"waiting":1,'
sleep 2.2
as "$bob" 200 - 'and in its time' POST consumers/work/take '{}'
given 'it is given to nobody'
as "$bob" 200 - 'but parked' GET consumers/work/parked
says 'because none took it' '"attempt":0,'
says 'who may' '"reason":"no worker that may read it took it in time"'
if grep -q 'eve\|"data\|:12[,}]' body; then not_ok 'and says nothing of it'; else ok 'and says nothing of it'; fi
as "$ada" 201 - 'a consumer of ada' PUT consumers/hers '{"workers":["boss"],"entity":"note/bob"}'
as "$boss" 403 forbidden 'does not read for others what she may not' POST consumers/hers/take '{}'
as "$ada" 201 - 'not even all' PUT consumers/hers '{"workers":["boss"],"type":"add"}'
as "$boss" 200 - 'that there is' POST consumers/hers/take '{"limit":100}'
given 'is hers to give' 1 2 3 4 5 10 13
as "$owner" 201 - 'an admin changes it' PUT consumers/hers '{"workers":["bob"]}'
as "$owner" 200 - 'and it stays' GET consumers/hers
says 'hers' '"owner":"ada"'

# ---- waiting
before=$(date +%s%N)
as "$ada" 200 - 'who waits' POST consumers/work/take '{"wait_ms":300}'
given 'for nothing gets nothing'
took=$((($(date +%s%N) - before) / 1000000))
[ "$took" -ge 300 ] && [ "$took" -lt 3000 ] && ok 'after that time' || not_ok "after that time ($took ms)"
(sleep 0.5 && add "$ada" note/open 20) &
before=$(date +%s%N)
as "$ada" 200 - 'who waits for more' POST consumers/work/take '{"wait_ms":15000}'
given 'gets it' 20
took=$((($(date +%s%N) - before) / 1000000))
[ "$took" -lt 5000 ] && ok 'as soon as it is there' || not_ok "as soon as it is there ($took ms)"
mine=$(positions)
(sleep 0.3 && curl -s -o /dev/null -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d "$mine" \
    "$base/v1/default/consumers/work/release") &
as "$bob" 200 - 'also what another' POST consumers/work/take '{"wait_ms":15000}'
given 'gives back' 20
as "$ada" 200 - 'also what another lets pass' POST consumers/work/take '{"wait_ms":100}'
sleep 1.1
as "$ada" 200 - 'is parked then' GET consumers/work
"$REAKTOR" --data data append note/open add '{"n":21}' --as ada >/dev/null &
as "$ada" 200 - 'also what another process' POST consumers/work/take '{"wait_ms":15000}'
given 'writes' 21
as "$ada" 200 - 'and is done' POST consumers/work/ack "$(positions)"
# A worker that goes away while it waits has taken nothing.
curl -s -m 0.5 -o /dev/null -H "Authorization: Bearer $bob" -H 'Content-Type: application/json' -d '{"wait_ms":20000}' \
    "$base/v1/default/consumers/work/take"
add "$ada" note/open 22
sleep 0.3
as "$bob" 200 - 'who went away while he waited' POST consumers/work/take '{}'
given 'has taken nothing' 22
says 'of it' '"attempt":1'
as "$bob" 200 - 'all is done' POST consumers/work/ack "$(positions)"

# ---- restarts
add "$ada" note/open 30
add "$ada" note/open 31
as "$boss" 201 - 'a longer lease' PUT consumers/work '{"workers":["ada","bob"],"where":"event.module == \"note\"","lease":600000,"attempts":2}'
as "$ada" 200 - 'ada takes' POST consumers/work/take '{"limit":1}'
given 'one' 30
mine=$(positions)
kill "$server" && wait "$server"
[ $? = 0 ] && ok 'the server is stopped' || not_ok 'the server is stopped'
start
as "$bob" 200 - 'and started' POST consumers/work/take '{}'
given 'it knows what ada has' 31
theirs=$(positions)
kill -9 "$server"
wait "$server" 2>/dev/null
start
as "$ada" 200 - 'killed, it knows her still' POST consumers/work/ack "$mine"
says 'by what she has' '"unknown":[]'
as "$bob" 200 - 'and bob' POST consumers/work/ack "$theirs"
says 'by his' '"unknown":[]'
(sleep 0.5 && kill "$server") &
as "$ada" 200 - 'who waits when it stops' POST consumers/work/take '{"wait_ms":20000}'
given 'is answered'
wait "$server"
server=""

# ---- a truth that was restored
"$REAKTOR" --data data verify >/dev/null && ok 'all verifies' || not_ok 'all verifies'
mkdir copy
for file in data/*; do case $file in *consumers.book*) ;; *) cp -r "$file" copy/ ;; esac; done
start
for n in 40 41 42; do add "$ada" note/open "$n"; done
as "$ada" 200 - 'ada takes' POST consumers/work/take '{}'
given 'three' 40 41 42
as "$ada" 200 - 'and is done' POST consumers/work/ack "$(positions)"
seen=$(sed 's/.*"cursor":\([0-9]*\).*/\1/' body)
kill "$server" && wait "$server"
cp data/consumers.book* copy/
rm -rf data && cp -r copy data && rm -rf copy
start
as "$ada" 200 - 'the log has lost what she did' GET consumers/work
says 'and it says so' "\"set_back\":{\"from\":$seen,\"to\":"
for n in 50 51 52 53; do add "$ada" note/open "$n"; done
as "$bob" 200 - 'what stands there now' POST consumers/work/take '{}'
given 'is new' 50 51 52 53
as "$bob" 200 - 'and is done' POST consumers/work/ack "$(positions)"
as "$bob" 200 - 'the consumer' GET consumers/work
says 'is at the end' '"lag":0'
says 'and remembers' '"set_back":'

# ---- a long log, of which little is wanted: RK_SERVER_WALK_MAX (5000) events are looked at in one go
awk 'BEGIN { printf "{\"events\":["; for (i = 1; i <= 6000; i++) printf "%s{\"entity\":\"note/open-long\",\"type\":\"add\",\"data\":{\"n\":%d}}", (i > 1 ? "," : ""), 100000 + i; printf "]}" }' >long
curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d @long \
    "$base/v1/default/events" | grep -q 201 && ok 'six thousand events' || not_ok 'six thousand events'
rare='where=data.n%20%3D%3D%20106000'
as "$ada" 200 - 'a page that finds nothing so far' GET "events?$rare"
says 'says where to go on' '"next":5000}'
as "$ada" 200 - 'and there' GET "events?after=5000&$rare"
says 'it is' '"data":{"n":106000}}],"from":5000,'
curl -s -m 20 -o body -H "Authorization: Bearer $ada" -H 'Accept: application/x-ndjson' "$base/v1/default/events?$rare"
[ "$(grep -c '"n":106000' body)" = 1 ] && ok 'lines end when all was looked at' || not_ok 'lines end when all was looked at'
curl -sN -m 1 -o body -H "Authorization: Bearer $ada" -H 'Accept: text/event-stream' "$base/v1/default/events?$rare"
says 'a stream says what it has looked at' 'data: {"from":0,"to":5000,"events":[]}'
says 'and goes on' 'data: {"from":5000,'
as "$boss" 201 - 'a consumer of that one' PUT consumers/rare '{"workers":["ada"],"where":"data.n == 106000"}'
as "$ada" 200 - 'a take that finds nothing so far' POST consumers/rare/take '{}'
says 'says how far it has looked' '"to":5000}'
as "$ada" 200 - 'and the next one' POST consumers/rare/take '{}'
given 'goes on' 106000
as "$boss" 201 - 'another' PUT consumers/rarer '{"workers":["ada"],"where":"data.n == 106000"}'
as "$ada" 200 - 'who waits' POST consumers/rarer/take '{"wait_ms":10000}'
given 'gets it at once' 106000
# One consumer has RK_FLIGHTS_MAX (1000) events given out.
as "$boss" 201 - 'one of all' PUT consumers/all '{"workers":["ada"],"entity":"note/open-long","lease":600000}'
as "$ada" 200 - 'is taken from' POST consumers/all/take '{"limit":1000}'
[ "$(grep -o '"attempt":1' body | wc -l)" = 1000 ] && ok 'a thousand events' || not_ok 'a thousand events'
mine=$(positions)
as "$ada" 200 - 'and no more' POST consumers/all/take '{}'
given 'until some are done with'
(sleep 0.3 && curl -s -o /dev/null -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d "$mine" \
    "$base/v1/default/consumers/all/ack") &
as "$ada" 200 - 'which who waits' POST consumers/all/take '{"wait_ms":10000,"limit":2}'
given 'sees' 101001 101002

# RK_SERVER_PARKED_MAX (10000) events of one consumer are parked.
curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d @long \
    "$base/v1/default/events" | grep -q 201 && ok 'six thousand more' || not_ok 'six thousand more'
as "$boss" 201 - 'a consumer of twelve thousand' PUT consumers/poison '{"workers":["ada"],"entity":"note/open-long","lease":600000}'
n=0
while [ "$n" -lt 11 ]; do
    n=$((n + 1))
    curl -s -o body -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d '{"limit":1000,"wait_ms":5000}' \
        "$base/v1/default/consumers/poison/take"
    positions | sed 's/}$/,"park":true,"reason":"poison"}/' >park
    curl -s -o body -w '%{http_code}\n' -H "Authorization: Bearer $ada" -H 'Content-Type: application/json' -d @park \
        "$base/v1/default/consumers/poison/release"
done >codes
[ "$(grep -c 200 codes)" = 10 ] && [ "$(tail -n 1 codes)" = 413 ] && ok 'ten thousand are parked, and no more' ||
    not_ok 'ten thousand are parked, and no more'
says 'by name' '"code":"limit_exceeded"'
as "$ada" 200 - 'which leaves all as it was' GET consumers/poison
says 'of those that were not' '"in_flight":1000,"waiting":0,"parked":10000'
as "$ada" 200 - 'one is dropped' GET 'consumers/poison/parked?limit=1'
position=$(sed 's/.*"position":\([0-9]*\).*/\1/' body)
as "$ada" 200 - 'so that one' POST consumers/poison/parked/drop "{\"positions\":[$position]}"
as "$ada" 200 - 'may be parked' POST consumers/poison/release \
    "{\"positions\":[$(sed 's/.*\[\([0-9]*\),.*/\1/' park)],\"park\":true}"
# RK_SERVER_CONSUMERS_MAX (1000) consumers of one account.
awk 'BEGIN { printf "{\"events\":["; for (i = 1; i <= 993; i++) printf "%s{\"entity\":\"consumer/many-%d\",\"type\":\"define\"}", (i > 1 ? "," : ""), i; printf "]}" }' >many
curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $boss" -H 'Content-Type: application/json' -d @many \
    "$base/v1/default/events" | grep -q 201 && ok 'many consumers' || not_ok 'many consumers'
as "$boss" 201 - 'and one more' PUT consumers/last '{}'
as "$owner" 200 - 'are listed' GET 'consumers?limit=1000'
[ "$(grep -o '{"consumer":' body | wc -l)" = 1000 ] && ok 'a thousand of them' || not_ok 'a thousand of them'
as "$boss" 413 limit_exceeded 'another is refused' PUT consumers/one-more '{}'
as "$boss" 201 - 'one of them may change' PUT consumers/many-7 '{"workers":["bob"]}'
as "$boss" 200 - 'or go' DELETE consumers/many-8
as "$boss" 201 - 'and leave its room' PUT consumers/one-more '{}'

# ---- removing
as "$boss" 200 - 'a consumer is removed' DELETE consumers/work
as "$ada" 404 not_found 'and gives nothing' POST consumers/work/take '{}'
as "$boss" 409 require_failed 'twice it is not' DELETE consumers/work
as "$boss" 201 - 'defined again' PUT consumers/work '{"workers":["ada"],"from":3,"type":"add","where":"data.n < 3 || data.n in [52, 53]"}'
as "$ada" 200 - 'it begins anew' POST consumers/work/take '{"limit":100}'
given 'behind its beginning' 1 2 52 53
kill "$server" && wait "$server"
server=""
"$REAKTOR" --data data verify >/dev/null && ok 'all verifies still' || not_ok 'all verifies still'
grep -v 'this truth was copied or restored' errors >others
if [ -s others ]; then sed 's/^/    err: /' others && not_ok 'nothing was said on standard error'; else ok 'nothing was said on standard error'; fi
