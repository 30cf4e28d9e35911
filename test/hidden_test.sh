#!/bin/sh
# A field that a rule hides, from outside: the number stands in no answer and no header that its reader may not have,
# whatever is asked. And an actor that is disabled. Each check prints `ok - text` or `not ok - text`.
set -u
. "$PWD/test/serve_testing.sh"

# The secret and what could stand for it: its state's hash is found out below.
secret=471147
: >seen # everything that was given out to who may not know
: >bytes # what of it is CBOR, in hex
number=$(printf '1a%08x' "$secret") # as CBOR has it: 1a, then four bytes

# ask TOKEN STATUS NAME PATH CURL-ARGUMENTS...: the answer has that status. Header and body are kept apart from others.
ask() {
    token=$1 wanted=$2 name=$3 path=$4
    shift 4
    got=$(curl -s -m 20 -D head -o body -w '%{http_code}' -H "Authorization: Bearer $token" "$@" "$base$path")
    [ "$token" = "$hr" ] || cat head body >>seen
    if [ "$got" = "$wanted" ]; then ok "$name"; else not_ok "$name (status $got, not $wanted)"; fi
}
lacks() { if grep -qF -- "$2" body; then not_ok "$1"; else ok "$1"; fi; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
append() { # append TOKEN STATUS NAME EVENTS
    ask "$1" "$2" "$3" /v1/default/events -H 'Content-Type: application/json' -d "{\"events\":$4}"
}

cat >staff.json <<'END'
{"module": "staff", "version": 1, "truth": "region",
 "fields": {"name": {"type": "string", "index": true},
            "salary": {"type": "integer", "index": true, "read": "'hr' in actor.roles"}},
 "events": {"hire": {"data": {"name": {"type": "string"}}, "apply": [{"set": "name", "to": "data.name"}]},
            "pay": {"data": {"salary": {"type": "integer"}}, "apply": [{"set": "salary", "to": "data.salary"}]},
            "guess": {"require": [{"that": "{'x': true}[string(state.salary)]", "else": "no"}]}},
 "allow": {"read": "true", "write": "true"}}
END
r() { "$REAKTOR" --data data "$@" >out 2>err; }
r init && r actor add bob && r actor add hr --role hr && r actor add gone && r module add staff.json &&
    r append staff/ann hire '{"name": "Ann"}' && r append staff/ann pay "{\"salary\": $secret}" &&
    r append staff/bea hire '{"name": "Bea"}' && r append staff/bea pay '{"salary": 100}' && ok 'an account' ||
    not_ok 'an account'
if r module check staff.json && grep -q 'who may read' out && grep -q "'hr' in actor.roles" out; then
    ok 'the check shows who may read a field'
else
    not_ok 'the check shows who may read a field'
fi
hash=$("$REAKTOR" --data data get staff/ann --as hr --json | sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p')
[ ${#hash} = 64 ] && ok 'who sees all gets the hash' || not_ok 'who sees all gets the hash'
start
[ -n "$base" ] && ok 'the server listens' || not_ok 'the server listens'
hr=$("$REAKTOR" --data data token hr) bob=$("$REAKTOR" --data data token bob) gone=$("$REAKTOR" --data data token gone)

# ---- who may
ask "$hr" 200 'hr reads the state' /v1/default/state/staff/ann
says 'with the number' "\"salary\":$secret"
says 'and the hash' "\"hash\":\"$hash\""
ask "$hr" 200 'hr asks for it' '/v1/default/query/staff?where=state.salary%20%3E%20200'
says 'and finds it' "\"salary\":$secret"
ask "$hr" 200 'hr reads the events' /v1/default/history/staff/ann
says 'with the number too' "\"salary\":$secret"

# ---- who may not: states
ask "$bob" 200 'bob reads the state' /v1/default/state/staff/ann
says 'without the field' '"state":{"name":"Ann"}'
lacks 'and without a hash' '"hash"'
etag=$(sed -n 's/^ETag: \(.*\).$/\1/p' head)
[ -n "$etag" ] && ok 'with a tag' || not_ok 'with a tag'
[ "$etag" = "\"$(sed 's/,"position":[0-9]*//' body | b2sum -l 128 | cut -c1-32)\"" ] &&
    ok 'that is made of the answer without its position' || not_ok "that is made of the answer ($etag)"
ask "$bob" 304 'and is known again' /v1/default/state/staff/ann -H "If-None-Match: $etag"
ask "$hr" 200 'hr has another' /v1/default/state/staff/ann -H "If-None-Match: $etag"
ask "$bob" 200 'bob reads the past' '/v1/default/state/staff/ann?at=2'
says 'which hides it too' '"state":{"name":"Ann"}'

# ---- queries
q=/v1/default/query/staff
ask "$bob" 200 'bob asks for the field' "$q?where=state.salary%20%3E%20200"
says 'and finds nobody' '{"rows":[]}'
ask "$bob" 200 'nor the other way round' "$q?where=!(state.salary%20%3E%20200)"
says 'does he find any' '{"rows":[]}'
ask "$bob" 200 'nor whether it is there' "$q?where=has(state.salary)"
says 'does he hear' '{"rows":[]}'
ask "$bob" 200 'bob selects it' "$q?select=salary,name"
says 'and gets what else there is' '{"rows":[{"id":"ann","version":2,"state":{"name":"Ann"}}'
for order in salary -salary; do
    ask "$bob" 200 "bob orders by $order" "$q?order=$order"
    says 'and gets the order of ids' '{"rows":[{"id":"ann",'
    ask "$bob" 200 "page by page, by $order" "$q?order=$order&limit=1"
    says 'ann is first' '{"rows":[{"id":"ann",'
    cursor=$(sed -n 's/.*"next":"\([^"]*\)".*/\1/p' body)
    padded=$cursor
    while [ $((${#padded} % 4)) != 0 ]; do padded="$padded="; done
    printf '%s' "$padded" | tr -- '-_' '+/' | base64 -d | hex >>bytes
    ask "$bob" 200 'the page behind it' "$q?order=$order&limit=1&cursor=$cursor"
    says 'has the other' '{"rows":[{"id":"bea",'
done
ask "$hr" 200 'hr orders by it' "$q?order=salary"
says 'and gets its order' '{"rows":[{"id":"bea",'

# ---- events
ask "$bob" 200 'bob reads the history' /v1/default/history/staff/ann
says 'with one event' '"type":"hire"'
lacks 'and not the other' '"type":"pay"'
ask "$bob" 200 'bob reads all events' '/v1/default/events?limit=1000'
lacks 'without it' '"type":"pay"'
ask "$bob" 200 'nor by its type' '/v1/default/events?type=pay'
lacks 'is it there' '"type":"pay"'
ask "$bob" 200 'as lines' '/v1/default/events' -H 'Accept: application/x-ndjson'
says 'there is one' '"type":"hire"'
lacks 'and not the other' '"type":"pay"'
for path in /v1/default/state/staff/ann /v1/default/query/staff /v1/default/history/staff/ann /v1/default/events; do
    ask "$bob" 200 "as CBOR: $path" "$path" -H 'Accept: application/cbor'
    hex <body >>bytes
done
ask "$hr" 200 'hr too' /v1/default/state/staff/ann -H 'Accept: application/cbor'
if hex <body | grep -q "$number"; then ok 'which has the number'; else not_ok 'which has the number'; fi
if grep -q "$number" bytes; then not_ok 'no bytes and no cursor do'; else ok 'no bytes and no cursor do'; fi
ask "$bob" 200 'as CBOR, a state' /v1/default/state/staff/ann -H 'Accept: application/cbor'
own=$(sed -n 's/^ETag: \(.*\).$/\1/p' head)
[ -n "$own" ] && [ "$own" != "$etag" ] && ok 'has a tag of its own' || not_ok 'has a tag of its own'
ask "$bob" 304 'that is known again' /v1/default/state/staff/ann -H 'Accept: application/cbor' -H "If-None-Match: $own"
curl -sN -m 20 -H "Authorization: Bearer $bob" -H 'Accept: text/event-stream' "$base/v1/default/events" >live &
reader=$!
curl -sN -m 30 -H "Authorization: Bearer $gone" -H 'Accept: text/event-stream' "$base/v1/default/events" >leaving &
leaver=$!
n=0
while ! grep -q '"hire"' live 2>/dev/null && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
append "$hr" 201 'hr pays' "[{\"entity\":\"staff/ann\",\"type\":\"pay\",\"data\":{\"salary\":$secret}}]"
append "$hr" 201 'and hires' '[{"entity":"staff/eve","type":"hire","data":{"name":"Eve"}}]'
n=0
while ! grep -q '"Eve"' live && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
kill "$reader" 2>/dev/null
cat live >>seen
grep -q '"Eve"' live && ok 'a live reader hears what it may' || not_ok 'a live reader hears what it may'
grep -q '"type":"pay"' live && not_ok 'and no more' || ok 'and no more'

# ---- appends
learn='{"entity":"staff/log","type":"hire","data":{"name":"x"}}'
append "$bob" 422 'a condition on it' "[{\"require\":\"states['staff/ann'].salary > 200\"},$learn]"
says 'finds no such field' '"code":"expression_failed"'
append "$hr" 201 'for hr it does' "[{\"require\":\"states['staff/ann'].salary > 200\"},$learn]"
append "$bob" 409 'whether it is there' "[{\"require\":\"has(states['staff/ann'].salary)\"},$learn]"
append "$bob" 422 'a guard that fails on it' '[{"entity":"staff/ann","type":"guess"}]'
says 'does not say on what' 'hidden from bob'
append "$hr" 422 'for hr' '[{"entity":"staff/ann","type":"guess"}]'
says 'it does' "no such key: $secret"

# ---- the command line reads as its actor
for command in "get staff/ann" "get staff/ann --json" "get staff/ann --at 2 --json" "log" "log staff/ann --json" \
    "query staff --order salary" "query staff --where state.salary>200 --json" "query staff --select salary"; do
    r $command --as bob
    cat out err >>seen
done
r get staff/ann --as bob
grep -q '^no hash' out && ok 'the command line gives no hash' || not_ok 'the command line gives no hash'
if grep -q "$secret" seen; then
    not_ok "the number is in no answer ($(grep -m1 "$secret" seen))"
else
    ok 'the number is in no answer'
fi
grep -q "$(printf '%.32s' "$hash")" seen && not_ok 'nor the hash of the state' || ok 'nor the hash of the state'
[ "$(grep -c '"name":"Ann"' seen)" -gt 5 ] && ok 'though they were looked at' || not_ok 'though they were looked at'

# ---- a disabled actor
ask "$gone" 200 'who is enabled' /v1/default/state/staff/ann
r append actor/gone disable && ok 'is disabled' || not_ok 'is disabled'
for path in /v1/default /v1/default/state/staff/ann /v1/default/query/staff /v1/default/events \
    /v1/default/history/staff/ann /v1/default/modules; do
    ask "$gone" 403 "and has nothing of $path" "$path"
    says 'by name' '"code":"actor_disabled"'
done
append "$gone" 403 'nor writes' "[$learn]"
says 'for the same reason' '"code":"actor_disabled"'
"$REAKTOR" --data data sign GET "$base/v1/default" --as gone >lines
got=$(curl -s -m 20 -o body -w '%{http_code}' -H @lines "$base/v1/default")
[ "$got" = 401 ] && ok 'its signature is none' || not_ok "its signature is none (status $got)"
append "$hr" 201 'an event' "[$learn]"
n=0
while kill -0 "$leaver" 2>/dev/null && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
kill -0 "$leaver" 2>/dev/null && not_ok 'its stream ends' || ok 'its stream ends'
kill "$leaver" 2>/dev/null
ask "$bob" 200 'others read of it' /v1/default/state/actor/gone
says 'that it is disabled' '"disabled":true'
r append actor/gone enable
ask "$gone" 200 'who is enabled again' /v1/default/state/staff/ann
