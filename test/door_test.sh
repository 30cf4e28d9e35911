#!/bin/sh
# The door as a whole, from outside, with curl: a coin between two actors who sign each request with a key of their own;
# every refusal, with its status and code; an outsider, who gets nothing from any operation that there is; a member whom
# the rule refuses; a request that was captured; and a field that a rule hides, in no answer of any kind.
set -u
. "$PWD/test/serve_testing.sh"
reader=""
trap 'kill "$reader" "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
json='Content-Type: application/json'

# send METHOD PATH BODY CURL-ARGUMENTS...: the status in $got, what came in `head` and `body`.
send() {
    method=$1 path=$2 content=$3
    shift 3
    [ -z "$content" ] || set -- "$@" -H "$json" -d "$content"
    [ "$method" = HEAD ] && set -- "$@" -I
    got=$(curl -s -m 30 -D head -o body -w '%{http_code}' -X "$method" "$@" "$base$path")
}
# sign DATA ACTOR METHOD PATH BODY: the lines that sign it, in the file `lines`.
sign() {
    if [ -n "$5" ]; then "$REAKTOR" --data "$1" sign "$3" "$base$4" "$5" --as "$2" >lines; else
        "$REAKTOR" --data "$1" sign "$3" "$base$4" --as "$2" >lines
    fi
}
# signed ACTOR STATUS CODE NAME METHOD PATH BODY: signed by the actor's own key.
signed() {
    sign data "$1" "$5" "$6" "$7"
    send "$5" "$6" "$7" -H @lines
    judge "$2" "$3" "$4"
}
coin() { echo "{\"events\":[{\"entity\":\"coin/inr\",\"type\":\"$1\",\"data\":$2}]}"; }
append() { signed "$1" "$2" "$3" "$4" POST /v1/default/events "$5"; }
position() {
    sign data owner GET /v1/default ''
    curl -s -H @lines "$base/v1/default" | sed -n 's/.*"position":\([0-9]*\).*/\1/p'
}

# ---- an account with a coin and a secret, and another account
secret=80911337
cat >vault.json <<'END'
{"module": "vault", "version": 1, "truth": "region", "description": "Something that few may read.",
 "fields": {"name": {"type": "string", "index": true},
            "pin": {"type": "integer", "index": true, "read": "actor.id == 'asha'"}},
 "events": {"open": {"data": {"name": {"type": "string"}}, "apply": [{"set": "name", "to": "data.name"}]},
            "lock": {"data": {"pin": {"type": "integer"}}, "apply": [{"set": "pin", "to": "data.pin"}]}},
 "allow": {"read": "true", "open": "actor.id == 'asha'", "lock": "actor.id == 'asha'"}}
END
r() { "$REAKTOR" --data data "$@" >out 2>err; }
r init && r actor add asha && r actor add bina && r actor add carl --role auditor && r actor add root --role admin &&
    r module add "$root/examples/modules/coin.json" && r module add vault.json && ok 'an account' || { cat err && not_ok 'an account'; }
mkdir -p data/accounts/other && "$REAKTOR" --data data/accounts/other init >/dev/null &&
    "$REAKTOR" --data data/accounts/other actor add asha >/dev/null && ok 'another one' || not_ok 'another one'
"$REAKTOR" serve --data data --port 0 --create anyone >serving 2>errors &
server=$!
n=0
while [ ! -s serving ] && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
base=$(sed -n 's/^listening on //p' serving)
[ -n "$base" ] && ok 'the server listens' || { cat errors && not_ok 'the server listens'; }

# ---- the coin, every request signed
append asha 201 - 'asha makes a coin' "$(coin create '{"supply":1000}')"
append asha 201 - 'transfers' "$(coin transfer '{"to":"bina","amount":300}')"
append asha 201 - 'mints' "$(coin mint '{"amount":200}')"
append bina 201 - 'bina burns' "$(coin burn '{"amount":100}')"
append asha 201 - 'asha approves' "$(coin approve '{"spender":"bina","amount":150}')"
append bina 201 - 'bina transfers from her' "$(coin transfer-from '{"from":"asha","to":"bina","amount":100}')"
signed bina 200 - 'bina reads' GET /v1/default/state/coin/inr ''
says 'what all agree on' '"state":{"issuer":"asha","supply":1100,"balance":{"asha":800,"bina":300},"allowance":{"asha":{"bina":50}}}'

# ---- every refusal: status and code; nothing of it is in the log
before=$(position)
append bina 409 require_failed 'more than she has' "$(coin transfer '{"to":"asha","amount":301}')"
append bina 409 require_failed 'more than was approved' "$(coin transfer-from '{"from":"asha","to":"bina","amount":51}')"
append asha 409 require_failed 'to herself' "$(coin transfer '{"to":"asha","amount":1}')"
append asha 409 require_failed 'a coin that is there' "$(coin create '{"supply":1}')"
append bina 403 forbidden 'a mint by another' "$(coin mint '{"amount":1}')"
append asha 422 bad_data 'a negative amount' "$(coin transfer '{"to":"bina","amount":-1}')"
append asha 422 bad_data 'nothing' "$(coin transfer '{"to":"bina","amount":0}')"
append asha 422 bad_data 'a fraction' "$(coin transfer '{"to":"bina","amount":0.5}')"
append asha 422 bad_data 'a text' "$(coin transfer '{"to":"bina","amount":"1"}')"
append asha 422 bad_data 'a word too many' "$(coin burn '{"amount":1,"x":1}')"
append asha 422 bad_data 'a word too few' "$(coin burn '{}')"
append asha 400 bad_json 'no number of 64 bits' "$(coin burn '{"amount":100000000000000000000}')"
append asha 400 bad_json 'no JSON' '{"events":['
append asha 400 bad_request 'no events' '{"events":[]}'
append asha 422 unknown_event_type 'a type that is none' "$(coin steal '{}')"
append asha 404 unknown_module 'a module that is none' '{"events":[{"entity":"gold/x","type":"burn"}]}'
append asha 412 version_conflict 'a version that was' '{"events":[{"entity":"coin/inr","type":"burn","data":{"amount":1},"expect":3}]}'
append asha 409 require_failed 'a condition that does not hold' \
    '{"events":[{"require":"states[\"coin/inr\"].supply > 5000"},{"entity":"coin/inr","type":"burn","data":{"amount":1}}]}'
append asha 409 require_failed 'all of a transaction, for its last event' \
    '{"events":[{"entity":"coin/inr","type":"burn","data":{"amount":1}},{"entity":"coin/inr","type":"burn","data":{"amount":9999}}]}'
signed asha 404 not_found 'nothing of that name' GET /v1/default/state/coin/usd ''
signed asha 404 no_such_operation 'no such path' GET /v1/default/nothing ''
signed asha 405 method_not_allowed 'no such method' DELETE /v1/default/events ''
same 'the log is where it was' "$(position)" "$before"

# ---- a request that was captured
burn=$(coin burn '{"amount":1}')
append asha 201 - 'a burn' "$burn"
send POST /v1/default/events "$burn" -H @lines
judge 401 replayed 'captured and sent again'
sign data asha POST /v1/default/events "$burn"
send POST /v1/default/events "$(coin burn '{"amount":2}')" -H @lines
judge 400 digest_mismatch 'captured, with another body'
send PUT /v1/default/events "$burn" -H @lines
judge 405 method_not_allowed 'captured, with another method'
send POST /v1/default/batches "$burn" -H @lines
judge 401 bad_signature 'captured, to another path'
sed 's/keyid="asha"/keyid="bina"/' lines >others
send POST /v1/default/events "$burn" -H @others
judge 401 bad_signature 'captured, as if of another'
grep -v '^Signature:' lines >unsigned
send POST /v1/default/events "$burn" -H @unsigned
judge 401 - 'captured, without its signature'
send POST /v1/default/events "$burn" -H @lines
judge 201 - 'and as it was signed, once'
send POST /v1/default/events "$burn" -H @lines
judge 401 replayed 'but not twice'
same 'two burns were done' "$(position)" $((before + 2))

# ---- the secret
append asha 201 - 'a vault' '{"events":[{"entity":"vault/v","type":"open","data":{"name":"v"}}]}'
append asha 201 - 'with a pin' "{\"events\":[{\"entity\":\"vault/v\",\"type\":\"lock\",\"data\":{\"pin\":$secret}}]}"
append asha 201 - 'another vault' '{"events":[{"entity":"vault/w","type":"open","data":{"name":"w"}}]}'
append asha 201 - 'with a small one' '{"events":[{"entity":"vault/w","type":"lock","data":{"pin":1}}]}'

# ---- a member whom the rule refuses
before=$(position)
append bina 403 forbidden 'bina does not lock' '{"events":[{"entity":"vault/v","type":"lock","data":{"pin":2}}]}'
append carl 403 forbidden 'carl does not mint' "$(coin mint '{"amount":1}')"
signed bina 403 forbidden 'bina publishes nothing' POST /v1/default/modules '{"module":"m","version":1,"truth":"region","fields":{},"events":{},"allow":{}}'
signed bina 403 forbidden 'adds nobody' POST /v1/default/actors "{\"actor\":\"x\",\"key\":\"$(printf '%064d' 7)\"}"
signed bina 403 forbidden 'gives no roles, not to herself' PUT /v1/default/actors/bina/roles '{"roles":["admin"]}'
signed bina 403 forbidden 'disables nobody' PUT /v1/default/actors/asha/disabled '{"disabled":true}'
signed bina 403 forbidden 'exports nothing' GET /v1/default/export ''
signed bina 403 forbidden 'verifies nothing' POST /v1/default/chores '{"kind":"verify"}'
signed bina 403 forbidden 'backs nothing up' POST /v1/default/chores '{"kind":"backup"}'
signed bina 403 forbidden 'erases nothing' DELETE /v1/default ''
same 'nothing of it is in the log' "$(position)" "$before"

# ---- the hidden field, in no answer: all that bina and root (an admin) are given is kept in `seen`
: >seen
look() { # look ACTOR STATUS NAME METHOD PATH BODY CURL-ARGUMENTS...
    who=$1 wanted=$2 name=$3 method=$4 path=$5 content=$6
    shift 6
    sign data "$who" "$method" "$path" "$content"
    send "$method" "$path" "$content" -H @lines "$@"
    judge "$wanted" - "$who: $name"
    cat head body >>seen
}
tokens=""
for who in bina root; do
    tokens="$tokens $("$REAKTOR" --data data token $who)"
    look $who 200 'the state' GET /v1/default/state/vault/v ''
    same "$who: without the field" "$(grep -o '"state":.*' body)" '"state":{"name":"v"}}'
    look $who 200 'as it was' GET '/v1/default/state/vault/v?at=2' ''
    look $who 200 'what is different since' GET '/v1/default/diff/vault/v?from=0' ''
    same "$who: but for the field" "$(grep -o '"changes":.*' body)" \
        '"changes":[{"path":"/name","kind":"added","after":"v"}],"events":2}'
    look $who 200 'a filter by it' GET "/v1/default/query/vault?where=state.pin%20%3E%201" ''
    same "$who: finds nothing" "$(cat body)" '{"rows":[]}'
    look $who 200 'a filter by its being there' GET '/v1/default/query/vault?where=has(state.pin)' ''
    same "$who: finds nothing either" "$(cat body)" '{"rows":[]}'
    for order in pin -pin; do
        look $who 200 "an order by $order" GET "/v1/default/query/vault?order=$order" ''
        same "$who: is the order of ids" "$(grep -o '"id":"[a-z]"' body | tr -d '\n')" '"id":"v""id":"w"'
        look $who 200 'a page of it' GET "/v1/default/query/vault?order=$order&limit=1" ''
    done
    look $who 200 'the field alone' GET '/v1/default/query/vault?select=pin' ''
    look $who 200 'the history' GET /v1/default/history/vault/v ''
    look $who 200 'the events' GET '/v1/default/events?limit=1000' ''
    look $who 200 'those with the number' GET "/v1/default/events?limit=1000&where=data.pin%20%3D%3D%20$secret" ''
    same "$who: are none" "$(grep -o '"events":\[\]' body)" '"events":[]'
    look $who 409 'a condition over it' POST /v1/default/events \
        "{\"events\":[{\"require\":\"has(states[\\\"vault/v\\\"].pin)\"},{\"entity\":\"coin/inr\",\"type\":\"burn\",\"data\":{\"amount\":1}}]}"
done
look root 403 'an export, which would hold it' GET /v1/default/export ''
for token in $tokens; do
    for accept in text/event-stream application/x-ndjson; do
        curl -sN -m 20 -H "Authorization: Bearer $token" -H "Accept: $accept" "$base/v1/default/events" >live 2>/dev/null &
        reader=$!
        append asha 201 - 'a pin, while somebody listens' "{\"events\":[{\"entity\":\"vault/v\",\"type\":\"lock\",\"data\":{\"pin\":$secret}}]}"
        append asha 201 - 'and something for all' "$(coin approve '{"spender":"carl","amount":77}')"
        n=0
        while kill -0 "$reader" 2>/dev/null && ! grep -q '"amount":77' live && [ "$n" -lt 100 ]; do
            n=$((n + 1))
            sleep 0.1
        done
        [ -s live ] && ok "a stream as $accept" || not_ok "a stream as $accept"
        kill "$reader" 2>/dev/null
        wait "$reader" 2>/dev/null
        cat live >>seen
    done
done
[ "$(wc -c <seen)" -gt 10000 ] && ok 'much was given' || not_ok 'much was given'
if grep -q '"vault/v"' seen; then ok 'of the vault, too'; else not_ok 'of the vault, too'; fi
# What they sent themselves is told back in no refusal either.
if grep -q "$secret" seen; then not_ok 'and nowhere the pin'; else ok 'and nowhere the pin'; fi
signed asha 200 - 'asha has it' GET /v1/default/state/vault/v ''
says 'as it is' "\"pin\":$secret"

# ---- an outsider: a good key and a good token, of another account, asks for everything that there is
awk '
    function value(line) { gsub(/^[^"]*"[^"]*": *"?|"?,?$/, "", line); return line }
    /^    "\// { path = $1; gsub(/[":]/, "", path); next }
    /^      "(get|post|put|delete)": \{/ { method = toupper($1); gsub(/[":]/, "", method) }
    /^        "operationId"/ { name = value($0); body = 0 }
    /^        "requestBody"/ { body = 1 }
    /^      \}/ && name != "" { print method, path, name, body; name = "" }
' "$root/api/openapi.json" >operations
same 'each operation is asked for' "$(wc -l <operations)" "$(grep -c '"operationId"' "$root/api/openapi.json")"
[ "$(wc -l <operations)" -gt 40 ] && ok 'and they are many' || not_ok 'and they are many'
stranger=$("$REAKTOR" --data data token asha --account other)
sed -n 's/.*{"name": "\([a-z_]*\)".*"who": "anyone".*/\1/p' "$root/api/operations.json" >open
key=$(printf '%064d' 7)
body_of() { # what might pass for a body of that operation
    case $1 in
    event_append) coin burn '{"amount":1}' ;;
    chore_start) echo '{"kind":"backup"}' ;;
    consumer_take) echo '{"limit":1}' ;;
    consumer_acknowledge | consumer_release | parked_*) echo '{"positions":[1]}' ;;
    actor_add) echo "{\"actor\":\"x\",\"key\":\"$key\"}" ;;
    actor_roles) echo '{"roles":["admin"]}' ;;
    actor_groups) echo '{"groups":["g"]}' ;;
    actor_disabled) echo '{"disabled":true}' ;;
    key_add) echo "{\"key\":\"$key\"}" ;;
    password_set) echo '{"password":"correct horse"}' ;;
    *) echo '{}' ;;
    esac
}
fill_in() { # a path with names that are there
    echo "$1" | sed 's,{account},default,; s,{module}/{id},coin/inr,; s,{module},coin,; s,{id},inr,; s,{actor},asha,
        s,{consumer},work,; s,{chore},0123456789abcdef,; s,{session},0123456789abcdef,; '"s,{key},$key,"
}
append asha 201 - 'before' "$(coin burn '{"amount":1}')"
before=$(position)
"$REAKTOR" --data data log --json >log_before
asked=0 given=0 leaked=0
: >strange
while read -r method path name has_body; do
    case $path in *'{account}'*) ;; *) continue ;; esac
    grep -qx "$name" open && continue
    path=$(fill_in "$path")
    case $path in *'{'*) not_ok "a path is filled in: $path" ;; esac
    content=""
    [ "$has_body" = 0 ] || content=$(body_of "$name")
    for way in token signature token-head; do
        verb=$method
        case $way in
        token) send "$verb" "$path" "$content" -H "Authorization: Bearer $stranger" ;;
        signature)
            sign data/accounts/other asha "$verb" "$path" "$content"
            send "$verb" "$path" "$content" -H @lines
            ;;
        token-head)
            [ "$method" = GET ] || continue
            send HEAD "$path" '' -H "Authorization: Bearer $stranger"
            ;;
        esac
        asked=$((asked + 1))
        case $got in 401 | 403) ;; *) given=$((given + 1)) && echo "    $name by $way: $got" ;; esac
        cat body >>strange
    done
done <operations
[ "$asked" -gt 80 ] && ok "the outsider asked $asked times" || not_ok "the outsider asked $asked times"
same 'each was refused' "$given" 0
if grep -qE '"supply"|"issuer"|bina|"balance"' strange; then not_ok 'and learnt nothing'; else ok 'and learnt nothing'; fi
"$REAKTOR" --data data log --json >log_after
cmp -s log_before log_after && ok 'and changed nothing' || not_ok 'and changed nothing'
same 'no stranger made a backup' "$(ls data/backups 2>/dev/null | wc -l)" 0
# What is for anyone: nothing of the account either, with what an outsider can make up.
given=0
while read -r method path name has_body; do
    grep -qx "$name" open || continue
    path=$(fill_in "$path")
    content=""
    [ "$has_body" = 0 ] || content='{"actor":"asha","password":"a guess or two"}'
    [ "$name" != session_challenge ] || content='{"actor":"asha"}'
    [ "$name" != session_refresh ] || content='{"refresh":"AAAAAAAA"}'
    [ "$name" != account_create ] || content="{\"root_key\":\"$key\",\"owner_key\":\"$key\"}"
    send "$method" "$path" "$content"
    case "$got $path" in
    200*/v1/*/challenge) ;; # a challenge is given for any name
    2*/v1/*) given=$((given + 1)) && echo "    $name: $got" ;;
    esac
    if grep -qE '"supply"|"issuer"|"balance"' body; then not_ok "$name tells of the account"; fi
done <operations
same 'what is for anyone gives nothing of an account' "$given" 0
signed asha 200 - 'its members go on' GET /v1/default/state/coin/inr ''
kill "$server"
wait "$server"
same 'the server stops well' $? 0
