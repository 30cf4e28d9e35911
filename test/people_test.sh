#!/bin/sh
# Accounts and actors from outside, with curl: founding with a root key that stays here, each refusal with its status and
# code, actors and their keys, quotas, whole exports that others import, and erasing.
set -u
. "$PWD/test/serve_testing.sh"
trap 'kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

r() { "$REAKTOR" "$@" >out 2>err; }
fine() { if "$@" >out 2>err; then ok "$name"; else sed 's/^/    err: /' err && not_ok "$name"; fi; }

json='Content-Type: application/json'
ask() { # ask STATUS CODE NAME CURL-ARGUMENTS...
    wanted=$1 code=$2 name=$3
    shift 3
    got=$(curl -s -m 30 -o body -w '%{http_code}' -H "$json" "$@")
    judge "$wanted" "$code" "$name"
}
as() { # as TOKEN STATUS CODE NAME PATH [CURL-ARGUMENTS...]
    bearer=$1 wanted=$2 code=$3 name=$4 path=$5
    shift 5
    ask "$wanted" "$code" "$name" -H "Authorization: Bearer $bearer" "$@" "$base$path"
}
put() { ask "$1" "$2" "$3" -X PUT -d "$5" "$base$4"; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "${2:-body}"; }
# position: where the log of shop stands, as its owner sees it.
position() { curl -s -H "Authorization: Bearer $owner" "$base/v1/shop" | sed -n 's/.*"position":\([0-9]*\).*/\1/p'; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }

# enter NAME ID ACTOR KEY-FILE: logs in; the token in $token.
enter() {
    curl -s -H "$json" -d "{\"actor\":\"$3\"}" "$base/v1/$1/sessions/challenge" |
        "$REAKTOR" login "$3" --key "$4" --id "$2" >answer
    ask 201 - "$3 enters $1" -d @answer "$base/v1/$1/sessions"
    token=$(member token) refresh=$(member refresh)
}
# found NAME PREFIX: an account with the keys PREFIX-root.key and PREFIX-owner.key; its id in $id.
found() {
    "$REAKTOR" found request "$2-root.key" "$2-owner.key" >request
    ask 202 - "a draft of $1" -X PUT -d @request "$base/v1/$1"
    cp body draft
    "$REAKTOR" found sign "$2-root.key" "$2-owner.key" "$1" <draft >signed 2>err || { cat err && not_ok "sign $1"; }
    ask 201 - "the account $1" -X PUT -d @signed "$base/v1/$1"
    id=$(member id)
}

"$REAKTOR" --data data init >/dev/null && ok 'an account of the folder itself' || not_ok 'an account of the folder itself'
default=$("$REAKTOR" --data data token owner)

# ---- who may
start
"$REAKTOR" found request shop-root.key shop-owner.key >request
put 403 forbidden 'nobody makes accounts where nobody may' /v1/shop "$(cat request)"
says 'and learns how it could be' '--create anyone'
stop
start --create anyone --accounts-max 2

# ---- founding
found shop shop
shop=$id
same 'its id is the hash of the root key' "$shop" "$(member account draft)"
[ -d data/accounts/shop ] && [ -z "$(ls data/founding)" ] && ok 'its folder has its name' || not_ok 'its folder has its name'
grep -rq "$(cat shop-root.key)" data && not_ok 'the root key is not there' || ok 'the root key is not there'
grep -rq "$(cat shop-owner.key)" data && not_ok "nor the owner's" || ok "nor the owner's"
put 409 name_taken 'a name that is taken' /v1/shop "$(cat request)"
put 409 name_taken 'as the one of the folder itself' /v1/default "$(cat request)"
put 409 name_taken 'a draft that was signed before' /v1/shop "$(cat signed)"
put 400 bad_id 'a name that is none' /v1/Shop "$(cat request)"
put 400 bad_id 'nor is a path' /v1/..%2Fx "$(cat request)"
put 400 bad_request 'a key that is none' /v1/bank '{"root_key":"00","owner_key":"00"}'
put 400 bad_request 'half a request' /v1/bank '{"root_key":"00"}'
put 400 bad_request 'both halves' /v1/bank '{"root_key":"00","owner_key":"00","draft":"x","signature":"x"}'
"$REAKTOR" found request bank-root.key bank-owner.key >request
put 202 - 'a draft' /v1/bank "$(cat request)"
cp body draft
draft=$(member draft)
"$REAKTOR" found sign bank-root.key bank-owner.key bank <draft >signed
"$REAKTOR" found sign shop-root.key bank-owner.key bank <draft >other 2>err && not_ok 'another root key signs nothing' ||
    ok 'another root key signs nothing'
"$REAKTOR" found sign bank-root.key shop-owner.key bank <draft >other 2>err && not_ok 'nor for another owner' ||
    ok 'nor for another owner'
"$REAKTOR" found sign bank-root.key bank-owner.key shop <draft >other 2>err && not_ok 'nor for another name' ||
    ok 'nor for another name'
sed "s|\"genesis\":\"[^\"]*\"|\"genesis\":\"$(member genesis draft | tr 'ABab' 'BAba')\"|" draft >changed
cmp -s changed draft || "$REAKTOR" found sign bank-root.key bank-owner.key bank <changed >other 2>err && not_ok 'nor over what it cannot check' ||
    ok 'nor over what it cannot check'
wrong=$(head -c 64 /dev/zero | base64 | tr -d '\n')
put 401 bad_signature 'a wrong signature' /v1/bank "{\"draft\":\"$draft\",\"signature\":\"$wrong\"}"
put 400 bad_request 'a signature that is none' /v1/bank "{\"draft\":\"$draft\",\"signature\":\"x\"}"
put 410 no_such_draft 'a draft that is none' /v1/bank "{\"draft\":\"x\",\"signature\":\"$wrong\"}"
put 410 no_such_draft 'a draft of another name' /v1/other "$(cat signed)"
[ "$(ls data/accounts)" = shop ] && [ -z "$(ls data/founding)" ] && ok 'nothing half made' || not_ok 'nothing half made'
put 201 - 'the right one is good still' /v1/bank "$(cat signed)"
bank=$(member id)
put 403 too_many_accounts 'no more than may be' /v1/third "$(cat request)"
name='the genesis verifies' fine "$REAKTOR" --data data/accounts/shop verify
name='and replays' fine "$REAKTOR" --data data/accounts/shop replay

# ---- strangers
enter shop "$shop" owner shop-owner.key
owner=$token
enter bank "$bank" owner bank-owner.key
stranger=$token
as "$owner" 200 - 'the owner sees its account' /v1/shop
as "$stranger" 403 not_a_member 'the owner of another does not' /v1/shop
as "$stranger" 403 not_a_member 'nor its actors' /v1/shop/actors
as "$stranger" 403 not_a_member 'nor an export' /v1/shop/export
as "$stranger" 403 not_a_member 'nor erases it' /v1/shop -X DELETE
curl -s -H "$json" -d '{"actor":"owner"}' "$base/v1/shop/sessions/challenge" |
    "$REAKTOR" login owner --key bank-owner.key --id "$shop" >answer
ask 401 bad_signature 'a key of another account opens nothing' -d @answer "$base/v1/shop/sessions"

# ---- actors
"$REAKTOR" found request ann.key bob.key >keys
ann_key=$(member root_key keys) bob_key=$(member owner_key keys)
"$REAKTOR" found request spare.key boss.key >keys
spare_key=$(member root_key keys) boss_key=$(member owner_key keys)
as "$owner" 201 - 'an actor' /v1/shop/actors -d "{\"actor\":\"ann\",\"roles\":[\"writer\"],\"key\":\"$ann_key\"}"
as "$owner" 201 - 'another' /v1/shop/actors -d "{\"actor\":\"bob\",\"kind\":\"bot\",\"key\":\"$bob_key\"}"
as "$owner" 201 - 'an admin' /v1/shop/actors -d "{\"actor\":\"boss\",\"roles\":[\"admin\"],\"key\":\"$boss_key\"}"
as "$owner" 409 require_failed 'one that is there' /v1/shop/actors -d "{\"actor\":\"ann\",\"key\":\"$ann_key\"}"
as "$owner" 400 bad_request 'a key that is none' /v1/shop/actors -d '{"actor":"x","key":"00"}'
as "$owner" 422 bad_data 'a kind that is none' /v1/shop/actors -d "{\"actor\":\"x\",\"kind\":\"cat\",\"key\":\"$bob_key\"}"
as "$owner" 400 bad_id 'a name that is none' /v1/shop/actors -d "{\"actor\":\"\",\"key\":\"$bob_key\"}"
enter shop "$shop" ann ann.key
ann=$token
enter shop "$shop" boss boss.key
boss=$token
as "$ann" 403 forbidden 'a member adds nobody' /v1/shop/actors -d "{\"actor\":\"x\",\"key\":\"$bob_key\"}"
as "$ann" 200 - 'but sees all' /v1/shop/actors
says 'with kind, roles and keys' "\"actor\":\"bob\",\"version\":1,\"kind\":\"bot\",\"roles\":[],\"groups\":[],\"disabled\":false,\"keys\":{\"$bob_key\":\"active\"}"
as "$ann" 200 - 'a page of them' '/v1/shop/actors?limit=2'
next=$(member next)
as "$ann" 200 - 'and the next' "/v1/shop/actors?limit=2&cursor=$next"
says 'goes on' '"actor":"boss"'
as "$ann" 200 - 'one of them' /v1/shop/actors/ann
says 'is it' '"actor":"ann","version":1,"kind":"user","roles":["writer"]'
as "$ann" 404 not_found 'one that there is not' /v1/shop/actors/nobody
as "$owner" 201 - 'roles' /v1/shop/actors/ann/roles -X PUT -d '{"roles":["writer","teller"]}'
as "$owner" 201 - 'groups' /v1/shop/actors/ann/groups -X PUT -d '{"groups":["night"]}'
as "$owner" 200 - 'are there' /v1/shop/actors/ann
says 'both' '"roles":["writer","teller"],"groups":["night"]'
as "$ann" 403 forbidden 'nobody gives itself roles' /v1/shop/actors/ann/roles -X PUT -d '{"roles":["admin"]}'
as "$owner" 409 require_failed 'nor roles to nobody' /v1/shop/actors/nobody/roles -X PUT -d '{"roles":[]}'
as "$owner" 422 bad_data 'roles that are none' /v1/shop/actors/ann/roles -X PUT -d '{"roles":[1]}'
as "$owner" 409 require_failed 'the owner stays an admin' /v1/shop/actors/owner/roles -X PUT -d '{"roles":[]}'
as "$ann" 201 - 'one adds a key to oneself' /v1/shop/actors/ann/keys -d "{\"key\":\"$spare_key\"}"
as "$ann" 409 require_failed 'not twice' /v1/shop/actors/ann/keys -d "{\"key\":\"$spare_key\"}"
as "$ann" 403 forbidden 'not to another' /v1/shop/actors/bob/keys -d "{\"key\":\"$spare_key\"}"
as "$boss" 201 - 'an admin to another' /v1/shop/actors/bob/keys -d "{\"key\":\"$spare_key\"}"
as "$boss" 403 forbidden 'but not to the owner' /v1/shop/actors/owner/keys -d "{\"key\":\"$spare_key\"}"
as "$boss" 403 forbidden 'nor to the truth' /v1/shop/actors/truth/keys -d "{\"key\":\"$spare_key\"}"
as "$owner" 403 forbidden 'not even the owner' /v1/shop/actors/truth/keys -d "{\"key\":\"$spare_key\"}"
as "$boss" 403 forbidden 'nor takes one away' "/v1/shop/actors/owner/keys/$(member owner_key request)" -X DELETE
as "$boss" 403 forbidden "nor sets the owner's roles" /v1/shop/actors/owner/roles -X PUT -d '{"roles":["admin"]}'
as "$ann" 201 - 'one takes its own away' "/v1/shop/actors/ann/keys/$spare_key" -X DELETE
as "$ann" 200 - 'which is seen' /v1/shop/actors/ann
says 'as revoked' "\"$spare_key\":\"revoked\""
as "$ann" 409 require_failed 'one that it has not' "/v1/shop/actors/ann/keys/$boss_key" -X DELETE
as "$ann" 400 bad_request 'one that is none' "/v1/shop/actors/ann/keys/$(echo "$boss_key" | tr a-f A-F)" -X DELETE
as "$owner" 409 require_failed 'the owner keeps its last key' \
    "/v1/shop/actors/owner/keys/$("$REAKTOR" found request shop-root.key shop-owner.key | sed 's/.*"owner_key":"\([0-9a-f]*\)".*/\1/')" -X DELETE
says 'and learns why' 'the owner keeps an active key'
as "$boss" 403 forbidden 'nobody disables the owner' /v1/shop/actors/owner/disabled -X PUT -d '{"disabled":true}'
as "$boss" 403 forbidden 'nor oneself' /v1/shop/actors/boss/disabled -X PUT -d '{"disabled":true}'
as "$boss" 201 - 'an admin disables' /v1/shop/actors/bob/disabled -X PUT -d '{"disabled":true}'
as "$boss" 200 - 'who is' /v1/shop/actors/bob
says 'disabled' '"disabled":true'
as "$boss" 201 - 'and enables' /v1/shop/actors/bob/disabled -X PUT -d '{"disabled":false}'
as "$boss" 400 bad_request 'what is not true or false' /v1/shop/actors/bob/disabled -X PUT -d '{"disabled":1}'

# ---- quota
as "$ann" 200 - 'no quota' /v1/shop/quota
says 'is no bound' '"limits":{},"use":{"events":'
name='whoever runs the server sets one' fine "$REAKTOR" --data data/accounts/shop quota --events 100000 --requests 50
as "$ann" 200 - 'which members see' /v1/shop/quota
says 'with its bounds' '"limits":{"events":100000,"requests":50}'
used=$(sed -n 's/.*"use":{"events":\([0-9]*\),"bytes":\([0-9]*\)}.*/\1 \2/p' body)
[ "${used% *}" = "$(position)" ] && [ "${used#* }" -gt 100 ] && ok 'and what counts towards them' || not_ok "what counts ($used)"
name='one that is reached' fine "$REAKTOR" --data data/accounts/shop quota --bytes "${used#* }"
as "$boss" 507 over_quota 'takes no more' /v1/shop/actors/bob/groups -X PUT -d '{"groups":["y"]}'
as "$owner" 403 forbidden 'and the owner cannot change' /v1/shop/events \
    -d '{"events":[{"entity":"account/shop","type":"set-quota","data":{"quota":{}}}]}'
name='nor is it gone but by who set it' fine "$REAKTOR" --data data/accounts/shop quota --none
same 'then there is none' "$("$REAKTOR" --data data/accounts/shop quota --json)" '{"quota":{}}'
"$REAKTOR" --data data/accounts/shop quota --none --events 1 >out 2>err && not_ok 'none and some' || ok 'none and some'

# ---- export
before=$(position)
[ "$before" -gt 3 ] || not_ok 'the log has a position'
as "$ann" 403 forbidden 'a member exports nothing' /v1/shop/export
same 'which leaves nothing behind' "$(position)" "$before"
as "$boss" 200 - 'HEAD asks whether it may be' /v1/shop/export -I
same 'and nothing happens' "$(position)" "$before"
as "$boss" 200 - 'an admin does' /v1/shop/export
mv body shop.jsonl
as "$owner" 200 - 'and the log' "/v1/shop/events?after=$before"
says 'has its trail' '"entity":"account/shop","type":"export","actor":"boss"'
cp boss.key data/accounts/shop/keys/actor-boss.key
name='an invitation, without the root key' fine "$REAKTOR" --data data/accounts/shop invite ann ann.invite --as boss
name='a device joins' fine "$REAKTOR" --data phone init --join ann.invite
name='and knows the log' fine "$REAKTOR" --data phone verify
as "$boss" 200 - 'a later export' /v1/shop/export
mv body later.jsonl
name='is imported by the device' fine "$REAKTOR" --data phone import later.jsonl
same 'which has both trails' "$("$REAKTOR" --data phone log --json | grep -c '"type":"export"')" 2
"$REAKTOR" --data data/accounts/shop export cli.jsonl >/dev/null && [ "$(wc -l <cli.jsonl)" -gt 5 ] || not_ok 'an export of the command line'
same 'it is what the command line writes' "$(sed 1d later.jsonl | cksum)" "$(sed 1d cli.jsonl | grep -v '"frame":"verdict"' | cksum)"
as "$owner" 201 - 'a module with a secret' /v1/shop/modules --data-binary "@$root/examples/modules/credential.json"
as "$owner" 201 - 'an issuer' /v1/shop/actors -d "{\"actor\":\"issuer\",\"roles\":[\"issuer\"],\"key\":\"$ann_key\"}"
enter shop "$shop" issuer ann.key
as "$token" 201 - 'a secret' /v1/shop/events \
    -d '{"events":[{"entity":"credential/x","type":"issue","data":{"owner":"ann","kind":"k","claims":{"pin":4711}}}]}'
before=$(position)
[ "$before" -gt 3 ] || not_ok 'the log has a position'
as "$boss" 403 forbidden 'who may not read it all exports nothing' /v1/shop/export
says 'and is told why' 'rules for reading'
same 'nor is there a trail' "$(position)" "$before"

# ---- erasing
as "$boss" 403 forbidden 'an admin erases nothing' /v1/shop -X DELETE
as "$default" 403 forbidden "nor goes the server's own folder" /v1/default -X DELETE
says 'with a hint' 'stop the server'
curl -sN -m 20 -H "Authorization: Bearer $boss" -H 'Accept: text/event-stream' "$base/v1/shop/events" >live &
reader=$!
sleep 0.5
as "$owner" 200 - 'the owner erases' /v1/shop -X DELETE
as "$owner" 403 not_a_member 'and is nobody then' /v1/shop
as "$boss" 403 not_a_member 'as is everybody' /v1/shop/actors
ask 401 bad_token 'sessions have ended' -d "{\"refresh\":\"$refresh\"}" "$base/v1/shop/sessions/refresh"
wait "$reader" # 28 is a time-out; whether the event that ends it all still comes is a matter of moments
same 'a live reader is let go' $? 0
grep -q '"type":"found"' live && ok 'having read what was there' || not_ok 'having read what was there'
n=0
while [ -n "$(ls data/erased 2>/dev/null)$(ls data/accounts | grep shop)" ] && [ "$n" -lt 50 ]; do
    n=$((n + 1))
    sleep 0.1
done
[ ! -d data/accounts/shop ] && [ -z "$(ls data/erased)" ] && ok 'nothing of it is left' || not_ok 'nothing of it is left'
found shop again
as "$owner" 403 not_a_member 'a token of before is of another account' /v1/shop
enter shop "$id" owner again-owner.key
as "$token" 200 - "the new one's owner is in" /v1/shop
says 'a new log' '"position":3'
as "$token" 200 - 'it goes on' /v1/shop/actors

# ---- what a crash cut short
stop
: >data/accounts/shop/erased
mkdir -p data/founding/half data/erased/old && echo x >data/founding/half/log.db && echo x >data/erased/old/log.db
start --create anyone
as "$stranger" 200 - 'another account is there' /v1/bank
as "$token" 403 not_a_member 'what was marked is gone' /v1/shop
[ ! -d data/accounts/shop ] && [ ! -d data/founding ] && [ ! -d data/erased ] && ok 'from the disk too' || not_ok 'from the disk too'
found shop third
n=0
limited=no
while [ "$n" -lt 45 ] && [ "$limited" = no ]; do # the minute may end once on the way
    n=$((n + 1))
    [ "$(curl -s -o body -D head -w '%{http_code}' -X PUT -H "$json" -d @request "$base/v1/spam$n")" = 429 ] && limited=yes
done
[ "$limited" = yes ] && ok "an address gets $n drafts less one" || not_ok 'an address gets so many drafts'
says 'and is told' '"code":"too_many_requests"'
grep -qi '^retry-after: [0-9]' head && ok 'when to come again' || not_ok 'when to come again'
stop
server=""
[ -s errors ] && { sed 's/^/    err: /' errors && not_ok 'nothing was said on standard error'; } || ok 'nothing was said on standard error'
