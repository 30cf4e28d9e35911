#!/bin/sh
# The server from outside, with curl: the coin's flow, each refusal with its status and code, streams that go on, many
# writers at once, and a stop that finishes what was accepted.
set -u
. "$PWD/test/serve_testing.sh"

# ask STATUS CODE NAME CURL-ARGUMENTS...: the answer has that status, and that code when CODE is not -.
ask() {
    wanted=$1 code=$2 name=$3
    shift 3
    got=$(curl -s -m 20 -o body -w '%{http_code}' "$@")
    judge "$wanted" "$code" "$name"
}
append() { # append ACTOR-TOKEN STATUS CODE NAME EVENTS [CURL-ARGUMENTS...]
    token=$1 wanted=$2 code=$3 name=$4 events=$5
    shift 5
    ask "$wanted" "$code" "$name" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@" \
        -d "{\"events\":$events}" "$base/v1/default/events"
}
as() { # as TOKEN STATUS CODE NAME PATH [CURL-ARGUMENTS...]
    token=$1 wanted=$2 code=$3 name=$4 path=$5
    shift 5
    ask "$wanted" "$code" "$name" -H "Authorization: Bearer $token" "$@" "$base$path"
}
coin() { echo "[{\"entity\":\"coin/inr\",\"type\":\"$1\",\"data\":$2}]"; }
position() { "$REAKTOR" --data data log --json | wc -l; }

r() { "$REAKTOR" --data data "$@" >/dev/null 2>&1; }
r init && r actor add a && r actor add b && r actor add c && r module add "$root/examples/modules/coin.json" &&
    r actor add d --role writer && r module add "$root/examples/modules/document.json" &&
    r module add "$root/examples/modules/credential.json" && ok 'an account' || not_ok 'an account'
mkdir -p data/accounts/other && "$REAKTOR" --data data/accounts/other init >/dev/null && ok 'another one'
start
[ -n "$base" ] && ok 'the server listens' || { cat errors && not_ok 'the server listens'; }
d=$("$REAKTOR" --data data token d)
a=$("$REAKTOR" --data data token a) b=$("$REAKTOR" --data data token b)
owner=$("$REAKTOR" --data data token owner) stranger=$("$REAKTOR" --data data token owner --account other)
nobody=$("$REAKTOR" --data data token nobody) old=$("$REAKTOR" --data data token a --seconds 1)

# ---- the server itself
ask 200 - 'health' "$base/health"
ask 200 - 'ready' "$base/ready"
ask 200 - 'build' "$base/build"
ask 200 - 'openapi' "$base/openapi.json"
says 'it is OpenAPI 3.1' '"openapi":"3.1.0"'
ask 404 no_such_operation 'no such path' "$base/v2"
ask 405 method_not_allowed 'no such method' -X DELETE "$base/health"

# ---- the coin
append "$a" 201 - 'create' "$(coin create '{"supply":1000}')"
append "$a" 201 - 'transfer' "$(coin transfer '{"to":"b","amount":300}')"
append "$a" 201 - 'mint' "$(coin mint '{"amount":200}')"
append "$b" 201 - 'burn' "$(coin burn '{"amount":100}')"
append "$a" 201 - 'approve' "$(coin approve '{"spender":"b","amount":150}')"
append "$b" 201 - 'transfer-from' "$(coin transfer-from '{"from":"a","to":"b","amount":100}')"
as "$b" 200 - 'the state' /v1/default/state/coin/inr
says 'is what it should be' '"state":{"issuer":"a","supply":1100,"balance":{"a":800,"b":300},"allowance":{"a":{"b":50}}}'
before=$(position)
append "$b" 409 require_failed 'overdraft' "$(coin transfer '{"to":"a","amount":301}')"
append "$a" 422 bad_data 'negative' "$(coin transfer '{"to":"b","amount":-1}')"
append "$a" 422 bad_data 'zero' "$(coin transfer '{"to":"b","amount":0}')"
append "$a" 422 bad_data 'a fraction' "$(coin transfer '{"to":"b","amount":1.5}')"
append "$a" 422 overflow 'a huge one' "$(coin transfer '{"to":"b","amount":1e30}')"
append "$a" 400 bad_json 'a huger one' "$(coin transfer '{"to":"b","amount":1000000000000000000000}')"
append "$a" 409 require_failed 'to oneself' "$(coin transfer '{"to":"a","amount":1}')"
append "$b" 403 forbidden 'a mint by another' "$(coin mint '{"amount":1}')"
append "$a" 412 version_conflict 'a version that was' \
    '[{"entity":"coin/inr","type":"burn","data":{"amount":1},"expect":3}]'
append "$a" 412 version_conflict 'If-Match that does not' "$(coin burn '{"amount":1}')" -H 'If-Match: "3"'
append "$a" 400 bad_request 'If-Match that is none' "$(coin burn '{"amount":1}')" -H 'If-Match: 3'
append "$a" 422 bad_data 'an unknown member' "$(coin burn '{"amount":1,"x":1}')"
append "$a" 422 unknown_event_type 'an unknown type' "$(coin steal '{}')"
append "$a" 404 unknown_module 'an unknown module' '[{"entity":"gold/x","type":"burn"}]'
append "$a" 409 require_failed 'a condition that does not hold' \
    '[{"require":"states[\"coin/inr\"].supply > 5000"},{"entity":"coin/inr","type":"burn","data":{"amount":1}}]'
append "$a" 400 bad_request 'no events' '[]'
append "$a" 400 bad_request 'what is no event' '[{"entity":"coin/inr"}]'
append "$a" 400 bad_json 'a key twice' '[],"events":[]'
[ "$(position)" = "$before" ] && ok 'the log has not grown' || not_ok 'the log has not grown'
append "$a" 201 - 'If-Match that does' "$(coin burn '{"amount":1}')" -H 'If-Match: "6"'
append "$a" 201 - 'a condition that holds' \
    '[{"require":"states[\"coin/inr\"].supply == 1099"},{"entity":"coin/inr","type":"burn","data":{"amount":1}}]'

# ---- sent again, and what was seen
burn=$(coin burn '{"amount":1}')
append "$a" 201 - 'under a key' "$burn" -H 'Idempotency-Key: k1'
first=$(cat body)
append "$a" 201 - 'under the same key' "$burn" -H 'Idempotency-Key: k1'
says 'it was done before' '"again":true'
[ "$(sed 's/,"again":true//' body)" = "$first" ] && ok 'the answer is that of then' || not_ok 'the answer is that of then'
append "$a" 422 key_reused 'the key for another request' "$(coin burn '{"amount":2}')" -H 'Idempotency-Key: k1'
append "$a" 422 key_reused 'the key with another expectation' "$burn" -H 'Idempotency-Key: k1' -H 'If-Match: "1"'
as "$a" 200 - 'the state' /v1/default/state/coin/inr
says 'one was burned' '"supply":1097'
write='[{"entity":"document/d","type":"write","data":{"edits":[[0,0,"ab"]]}}]'
append "$d" 428 seen_missing 'a place that nobody has seen' "$write"
append "$d" 201 - 'a place in nothing' "$write,\"seen\":0"
seen=$(position)
append "$d" 201 - 'another at its beginning' "$write,\"seen\":$seen"
append "$d" 201 - 'one at its end as it was' \
    '[{"entity":"document/d","type":"write","data":{"edits":[[2,0,"!"]]}}],"seen":'"$seen"
as "$d" 200 - 'the text' /v1/default/state/document/d
says 'places are meant where they were seen' '"text":"abab!"'
append "$d" 409 seen_ahead 'what nobody can have seen' "$write,\"seen\":1000000"
append "$d" 400 bad_request 'seen that is no position' "$write,\"seen\":-1"

# ---- who may
ask 401 unauthenticated 'no token' "$base/v1/default"
ask 401 unauthenticated 'a token that is none' -H 'Authorization: Bearer x.y.z' "$base/v1/default"
as "${a}x" 401 unauthenticated 'a token that was changed' /v1/default
as "$nobody" 403 not_a_member 'who is no actor' /v1/default
as "$stranger" 403 not_a_member 'a member of another account' /v1/default
as "$stranger" 403 not_a_member 'also for a state' /v1/default/state/coin/inr
append "$stranger" 403 not_a_member 'also for an append' "$(coin burn '{"amount":1}')"
as "$a" 403 not_a_member 'an account that there is not' /v1/nothing
append "$owner" 403 forbidden 'a rule that says no' '[{"entity":"credential/x","type":"issue","data":{"owner":"a","kind":"k","claims":{}}}]'
r actor add issuer --role issuer
append "$("$REAKTOR" --data data token issuer)" 201 - 'a secret' \
    '[{"entity":"credential/x","type":"issue","data":{"owner":"a","kind":"k","claims":{"pin":4711}}}]'
as "$a" 200 - 'its owner reads it' /v1/default/state/credential/x
as "$b" 403 forbidden 'another does not' /v1/default/state/credential/x
as "$b" 200 - 'nor in a query' '/v1/default/query/credential'
says 'that gives nothing' '{"rows":[]}'
as "$b" 403 forbidden 'nor its events' '/v1/default/events?entity=credential/x'
as "$b" 403 forbidden 'nor as lines' '/v1/default/events?entity=credential/x' -H 'Accept: application/x-ndjson'
as "$b" 200 - 'nor in the log' '/v1/default/events?limit=1000' -H 'Accept: application/x-ndjson'
if grep -q 'credential/x' body; then not_ok 'which leaves it out'; else ok 'which leaves it out'; fi

# ---- signed requests
signed() { # signed ACTOR STATUS CODE NAME METHOD PATH BODY
    body=$7
    if [ -n "$body" ]; then "$REAKTOR" --data data sign "$5" "$base$6" "$body" --as "$1" >lines; else
        "$REAKTOR" --data data sign "$5" "$base$6" --as "$1" >lines
    fi
    send_signed "$2" "$3" "$4" "$5" "$6" "$body"
}
send_signed() { # with the lines that are there: STATUS CODE NAME METHOD PATH BODY
    if [ -n "$6" ]; then
        ask "$1" "$2" "$3" -X "$4" -H @lines -H 'Content-Type: application/json' -d "$6" "$base$5"
    else
        ask "$1" "$2" "$3" -X "$4" -H @lines "$base$5"
    fi
}
burn='{"events":[{"entity":"coin/inr","type":"burn","data":{"amount":1}}]}'
signed a 200 - 'a signed read' GET /v1/default/state/coin/inr ''
send_signed 401 replayed 'sent again' GET /v1/default/state/coin/inr ''
signed a 200 - 'a signed query' GET '/v1/default/query/coin?limit=1' ''
signed a 201 - 'a signed append' POST /v1/default/events "$burn"
send_signed 401 replayed 'captured and sent again' POST /v1/default/events "$burn"
"$REAKTOR" --data data sign POST "$base/v1/default/events" "$burn" --as a >lines
send_signed 400 digest_mismatch 'with another body' POST /v1/default/events "${burn}x"
"$REAKTOR" --data data sign GET "$base/v1/default" --as a >lines
send_signed 401 bad_signature 'to another path' GET /v1/default/modules ''
sed 's/keyid="a"/keyid="b"/' lines >other && mv other lines
send_signed 401 bad_signature 'as another actor' GET /v1/default ''
signed a 401 bad_signature 'to an account that there is not' GET /v1/nothing ''
"$REAKTOR" --data data/accounts/other actor add a >/dev/null
"$REAKTOR" --data data/accounts/other sign GET "$base/v1/default" --as a >lines
send_signed 401 bad_signature 'with a key of another account' GET /v1/default ''

# ---- reading
as "$a" 200 - 'a page of events' '/v1/default/events?entity=coin/inr&limit=2'
says 'that says how to go on' '"next":'
as "$a" 200 - 'events of a type' '/v1/default/events?type=mint'
says 'are those' '"type":"mint"'
filter() { printf %s "$1" | sed 's/%/%25/g; s/ /%20/g; s/&/%26/g; s/+/%2B/g; s/"/%22/g; s/\[/%5B/g; s/\]/%5D/g' | tr -d '\n'; }
as "$a" 200 - 'events by a filter' "/v1/default/events?where=$(filter 'data.amount >= 200 && event.type == "mint"')"
says 'that match' '"events":[{'
[ "$(grep -o '"type":' body | wc -l)" = 1 ] && ok 'and no others' || not_ok 'and no others'
as "$a" 200 - 'a filter over all that there is' "/v1/default/events?where=$(filter 'event.module == "coin" &&
event.module_version == 1 && event.version == 3 && event.position > 5 && event.actor == "a" && event.id != "" &&
entity.id == "inr" && entity.name == "coin/inr" && actor.id == "a" && actor.kind == "user" && actor.roles == [] &&
event.time <= now && data.amount == 200')"
[ "$(grep -o '"type":"mint"' body | wc -l)" = 1 ] && ok 'finds the one' || not_ok 'finds the one'
as "$a" 200 - 'a filter that fails on every event' "/v1/default/events?where=$(filter 'data.nothing == 1')"
says 'matches none' '"events":[],"from":0'
as "$a" 200 - 'one that runs out of steps' "/v1/default/events?where=$(filter "[$(seq -s, 1 200)].all(x, [$(seq -s, 1 200)].exists(y, x + y == 0))")"
says 'neither' '"events":[],"from":0'
as "$a" 400 bad_expression 'a filter of events that is none' "/v1/default/events?where=$(filter 'event.nothing == 1')"
says 'says where' '"where":"where: column 7"'
as "$a" 400 bad_expression 'also before a stream' "/v1/default/events?where=$(filter '1 + 1')" -H 'Accept: text/event-stream'
as "$a" 400 bad_expression 'and before lines' "/v1/default/events?where=$(filter 'data.')" -H 'Accept: application/x-ndjson'
as "$b" 200 - 'no filter shows what a rule hides' "/v1/default/events?where=$(filter 'data.claims.pin == 4711')"
says 'not even its position' '"events":[],"from":0'
# Times: an event stands at its commit's, `since` includes it, `until` does not.
as "$a" 200 - 'an event and its time' '/v1/default/events?type=mint'
time=$(sed 's/.*"time":"\([^"]*\)".*/\1/' body) at=$(sed 's/.*"position":\([0-9]*\).*/\1/' body)
as "$a" 200 - 'events since then' "/v1/default/events?since=$time&limit=1"
says 'begin with it' "\"position\":$at,"
says 'and say from where' "\"from\":$((at - 1)),"
as "$a" 200 - 'events until then' "/v1/default/events?until=$time&limit=1000"
says 'end before it' "\"to\":$((at - 1))}"
as "$a" 200 - 'also as lines' "/v1/default/events?until=$time" -H 'Accept: application/x-ndjson'
[ "$(tail -n 1 body | grep -c "\"position\":$((at - 1)),")" = 1 ] && ok 'that end there' || not_ok 'that end there'
as "$a" 200 - 'a span that is empty' "/v1/default/events?since=$time&until=$time"
says 'holds nothing' '"events":[]'
as "$a" 200 - 'what is to come' '/v1/default/events?since=9999-01-01T00:00:00Z'
says 'is not there yet' '"events":[]'
as "$a" 400 bad_time 'since when?' '/v1/default/events?since=5'
as "$a" 400 bad_time 'until when?' '/v1/default/events?until=soon' -H 'Accept: application/x-ndjson'
as "$a" 400 bad_request 'a stream has no end' "/v1/default/events?until=$time" -H 'Accept: text/event-stream'
as "$a" 200 - 'the history' '/v1/default/history/coin/inr?limit=1'
as "$a" 404 not_found 'of nothing' /v1/default/history/coin/usd
as "$a" 200 - 'the past' '/v1/default/state/coin/inr?at=1'
says 'reads as it did' '"state":{"issuer":"a","supply":1000,"balance":{"a":1000}}'
as "$a" 404 not_found 'a past that was not' '/v1/default/state/coin/inr?at=99'
as "$a" 400 bad_time 'a time that is none' '/v1/default/state/coin/inr?at=yesterday'
etag=$(curl -si -H "Authorization: Bearer $a" "$base/v1/default/state/coin/inr" | sed -n 's/^ETag: \(.*\).$/\1/p')
known() { # known STATUS NAME IF-NONE-MATCH [CURL-ARGUMENTS...]
    status=$1 name=$2 tags=$3
    shift 3
    as "$a" "$status" - "$name" /v1/default/state/coin/inr -H "If-None-Match: $tags" "$@"
}
known 304 'what is known already' "$etag"
known 304 'among other tags' "\"x\" , W/\"y\",$etag"
known 304 'as a weak tag' "W/$etag"
known 304 'whatever it is' '*'
known 200 'another tag' '"x"'
known 200 'half of it' "$(echo "$etag" | cut -c1-20)\""
known 200 'as CBOR it is another' "$etag" -H 'Accept: application/cbor'
append "$d" 201 - 'an event of another entity' '[{"entity":"document/aside","type":"write","data":{"edits":[[0,0,"x"]]}}],"seen":0'
known 304 'changes nothing here' "$etag"
known 200 'nor in the past' "$etag" -G -d at=1
as "$a" 200 - 'a query' '/v1/default/query/coin?where=state.supply%20%3E%2010&select=supply'
says 'with its row' '"rows":[{"id":"inr","version":10,"state":{"supply":1096}}]'
as "$a" 400 bad_expression 'a filter that is none' '/v1/default/query/coin?where=state.nothing%20==%201'
as "$a" 400 bad_request 'a parameter that is none' '/v1/default/query/coin?were=x'
as "$a" 400 bad_request 'a limit that is none' '/v1/default/query/coin?limit=x'
as "$a" 400 bad_request 'a limit past its range' '/v1/default/query/coin?limit=1001'
as "$a" 400 bad_request 'a parameter twice' '/v1/default/query/coin?limit=1&limit=2'
as "$a" 400 bad_request 'broken percent-encoding' '/v1/default/state/coin/%zz'
as "$a" 404 - 'an id with a slash in it' '/v1/default/state/coin/in%2Fr'
as "$a" 200 - 'modules' /v1/default/modules
as "$a" 200 - 'a module' /v1/default/modules/coin
as "$a" 404 unknown_module 'a version that is not there' '/v1/default/modules/coin?version=7'
as "$a" 200 - 'a module is checked' /v1/default/modules/check -d '{"module":"x"}' -H 'Content-Type: application/json'
says 'with its findings' '"pointer":'
ask 403 forbidden 'a member publishes nothing' -H "Authorization: Bearer $a" -H 'Content-Type: application/json' \
    --data-binary "@$root/examples/modules/asset.json" "$base/v1/default/modules"
ask 201 - 'an admin does' -H "Authorization: Bearer $owner" -H 'Content-Type: application/json' \
    --data-binary "@$root/examples/modules/asset.json" "$base/v1/default/modules"

# ---- bodies
ask 415 unsupported_media_type 'a body of another kind' -H "Authorization: Bearer $a" -H 'Content-Type: text/plain' \
    -d 'hello' "$base/v1/default/events"
head -c 17000000 /dev/zero >large
ask 413 too_large 'a body that is too large' -H "Authorization: Bearer $a" -H 'Content-Type: application/json' \
    -H 'Expect:' --data-binary @large "$base/v1/default/events"
printf '{"events":[{"entity":"coin/inr","type":"burn","data":{"a":"\377"}}]}' >bad
ask 400 bad_json 'text that is no UTF-8' -H "Authorization: Bearer $a" -H 'Content-Type: application/json' \
    --data-binary @bad "$base/v1/default/events"
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "["; for (i = 0; i < 10000; i++) printf "]" }' >deep
ask 400 bad_json 'a body that is too deep' -H "Authorization: Bearer $a" -H 'Content-Type: application/json' \
    --data-binary @deep "$base/v1/default/events"

# ---- live
curl -sN -m 60 -H "Authorization: Bearer $b" -H 'Accept: text/event-stream' "$base/v1/default/events?entity=coin/inr" >live &
reader=$!
seq 1 40 | xargs -P 16 -I @@ curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $a" \
    -H 'Content-Type: application/json' -d "{\"events\":$(coin transfer '{"to":"b","amount":1}')}" \
    "$base/v1/default/events" >codes
[ "$(grep -c 201 codes)" = 40 ] && ok 'forty appends at once' || not_ok 'forty appends at once'
# Twenty at once expect one version of an entity: one is right, and the others are told which it is at.
append "$d" 201 - 'something to expect' '[{"entity":"document/v","type":"write","data":{"edits":[[0,0,"x"]]}}],"seen":0'
mkdir told
seq 1 20 | xargs -P 20 -I @@ curl -s -o told/@@ -w '%{http_code}\n' -H "Authorization: Bearer $d" \
    -H 'Content-Type: application/json' \
    -d '{"events":[{"entity":"document/v","type":"write","data":{"edits":[[0,0,"y"]]},"expect":1}],"seen":0}' \
    "$base/v1/default/events" >codes
[ "$(grep -c 201 codes)" = 1 ] && [ "$(grep -c 412 codes)" = 19 ] && ok 'of twenty who expect a version one is right' ||
    not_ok "of twenty who expect a version one is right ($(sort codes | uniq -c | tr '\n' ' '))"
[ "$(grep -l '"code":"version_conflict".*"version":2,' told/* | wc -l)" = 19 ] && ok 'the others are told which it is' ||
    not_ok 'the others are told which it is'
version() { as "$b" 200 - "$1" /v1/default/state/coin/inr && sed 's/.*"version":\([0-9]*\).*/\1/' body >"$2"; }
version 'a state' version-0
version 'again' version-1
version 'and again' version-2
"$REAKTOR" --data data append coin/inr burn '{"amount":1}' --as b >/dev/null
version 'and after another process has written' version-3
[ "$(sort -u version-0 version-1 version-2)" = "$(($(cat version-3) - 1))" ] && ok 'it is the next one' || not_ok 'it is the next one'
n=0
while [ "$(grep -o '"type":"burn","actor":"b"' live | wc -l)" -lt 2 ] && [ "$n" -lt 60 ]; do
    n=$((n + 1))
    sleep 0.1
done
kill "$reader" 2>/dev/null
[ "$(grep -o '"position":[0-9]*' live | sort -u | wc -l)" = 51 ] && ok 'a live reader sees each once' ||
    not_ok "a live reader sees each once ($(grep -o '"position":[0-9]*' live | sort -u | wc -l))"
[ "$(grep -o '"position":[0-9]*' live | wc -l)" = 51 ] && ok 'and none twice' || not_ok 'and none twice'
grep -q '"actor":"b"' live && ok 'also what another process wrote' || not_ok 'also what another process wrote'
last=$(sed -n 's/^id: //p' live | sed -n 2p)
curl -sN -m 2 -H "Authorization: Bearer $b" -H 'Accept: text/event-stream' -H "Last-Event-ID: $last" \
    "$base/v1/default/events?entity=coin/inr" >resumed
[ "$(grep -o '"from":[0-9]*' resumed | head -n 1)" = "\"from\":$last" ] && ok 'it goes on where it was' || not_ok 'it goes on where it was'
as "$old" 401 unauthenticated 'a token whose time has passed' /v1/default

# ---- stopping
before=$("$REAKTOR" --data data log coin/inr --json | wc -l)
seq 1 60 | xargs -P 8 -I @@ curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $a" \
    -H 'Content-Type: application/json' -d "{\"events\":$(coin transfer '{"to":"b","amount":1}')}" \
    "$base/v1/default/events" >codes 2>/dev/null &
writers=$!
sleep 0.2
kill "$server"
wait "$server"
[ $? = 0 ] && ok 'it stops when it is told to' || not_ok 'it stops when it is told to'
wait "$writers"
server=""
after=$("$REAKTOR" --data data log coin/inr --json | wc -l)
[ "$((after - before))" -ge "$(grep -c 201 codes)" ] && ok 'nothing that was answered is lost' ||
    not_ok 'nothing that was answered is lost'
"$REAKTOR" --data data verify >/dev/null && ok 'all verifies' || not_ok 'all verifies'
"$REAKTOR" --data data replay >/dev/null && ok 'and replays' || not_ok 'and replays'
[ -s errors ] && { sed 's/^/    err: /' errors && not_ok 'nothing was said on standard error'; } || ok 'nothing was said on standard error'
