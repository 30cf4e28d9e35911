#!/bin/sh
# Fills an account with a week of a tea cooperative: six actors, the seven modules of this folder, some hundred and thirty
# events, and a dozen that the server has to refuse. All of it goes over HTTP, as any program would do it.
#
#     sh examples/seed.sh URL FOLDER ACCOUNT
#
# URL is a running server's, FOLDER the one that it serves, ACCOUNT one that is there and has nothing in it but its
# owner. FOLDER is touched for keys and tokens only. An answer that is not the expected one ends the script with it.
set -eu
[ $# = 3 ] || { echo "usage: sh examples/seed.sh URL FOLDER ACCOUNT" >&2; exit 2; }
url=$1 folder=$2 account=$3
reaktor=${REAKTOR:-$(dirname "$0")/../build/reaktor}
modules=$(dirname "$0")/modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chapter=0

# ---- asking the server

# tell TEXT: what happens next.
tell() {
    chapter=$((chapter + 1))
    printf '    [%d/8] %s\n' "$chapter" "$*"
}

# join NAME KIND ROLE...: somebody who may act. The key stays in FOLDER, so that a token can be made from it.
join() {
    name=$1 kind=$2
    shift 2
    for role in "$@"; do set -- "$@" --role "$role" && shift; done
    "$reaktor" --data "$folder/accounts/$account" actor add "$name" --kind "$kind" "$@" >/dev/null
    login "$name"
}
login() {
    token=$("$reaktor" --data "$folder" token "$1" --account "$account")
    printf 'Authorization: Bearer %s\n' "$token" >"$work/$1.header"
}

# ask STATUS ACTOR PATH [CURL-ARGUMENTS...]: the answer, in $work/answer, has that status.
ask() {
    wanted=$1 who=$2 path=$3
    shift 3
    got=$(curl -sS -m 30 -o "$work/answer" -w '%{http_code}' -H "@$work/$who.header" "$@" "$url/v1/$account$path")
    [ "$got" = "$wanted" ] || fail "$who: $path was answered with $got, not $wanted"
}
fail() {
    printf '%s\n%s\n' "$1" "$(cat "$work/answer")" >&2
    exit 1
}

# post STATUS ACTOR ENTITY TYPE DATA [ENTITY TYPE DATA ...]: one transaction, all of its events or none. Where $seen is
# set, places in texts are meant in the state of that position.
post() {
    wanted=$1 who=$2 comma=''
    shift 2
    printf '{"events":[' >"$work/body"
    while [ $# -gt 0 ]; do
        printf '%s{"entity":"%s","type":"%s","data":%s}' "$comma" "$1" "$2" "$3" >>"$work/body"
        comma=,
        shift 3
    done
    printf ']%s}' "${seen:+,\"seen\":$seen}" >>"$work/body"
    ask "$wanted" "$who" /events -H 'Content-Type: application/json' --data-binary "@$work/body"
}
as() { post 201 "$@"; }

# refused STATUS CODE ACTOR ENTITY TYPE DATA: the server has to say no, and by that code of docs/errors.md.
refused() {
    status=$1 code=$2
    shift 2
    post "$status" "$@"
    grep -q "\"code\":\"$code\"" "$work/answer" || fail "this was refused for another reason than $code"
}
position() {
    ask 200 owner ''
    sed 's/.*"position":\([0-9]*\).*/\1/' "$work/answer"
}

# ---- who, and what there can be

tell 'five people and a bot join; the owner publishes seven modules'
login owner
join asha user writer
join ravi user writer
join meera user clerk
join imran user
join lakshmi user issuer
join till bot clerk
for module in profile document inventory coin asset contract credential; do
    ask 201 owner /modules -H 'Content-Type: application/json' --data-binary "@$modules/$module.json"
done

tell 'profile: everybody writes a page; friends, tags and views merge'
seen=0
about() { # about ACTOR NAME TAG TAG FRIEND TEXT
    as "$1" "profile/$1" rename "{\"name\":\"$2\"}" "profile/$1" tag "{\"tag\":\"$3\"}" \
        "profile/$1" tag "{\"tag\":\"$4\"}" "profile/$1" befriend "{\"friend\":\"$5\"}" \
        "profile/$1" write "{\"edits\":[[0,0,\"$6\"]]}"
}
about asha 'Asha Kulkarni' pune tea ravi 'Runs the stall at Deccan Gymkhana.'
about ravi 'Ravi Deshpande' pune accounts asha 'Keeps the books, and the peace.'
about meera 'Meera Iyer' mumbai stock imran 'Counts what comes in and sends what goes out.'
about imran 'Imran Sheikh' nashik wholesale meera 'Buys by the sack.'
about lakshmi 'Lakshmi Nair' kochi licences asha 'Certifies food stalls.'
for visitor in asha ravi; do
    as "$visitor" profile/imran view '{}' profile/imran view '{}' profile/lakshmi view '{}' profile/meera view '{}'
done
seen=''
refused 403 forbidden imran profile/asha rename '{"name":"Not Asha"}'

tell 'document: two write one menu at once, each in what both had seen'
seen=0
as asha document/menu write '{"edits":[[0,0,"Masala chai 15, filter coffee 25."]]}'
seen=$(position)
as asha document/menu write '{"edits":[[12,2,"20"]]}'
as ravi document/menu write '{"edits":[[30,2,"30"],[0,0,"Monsoon menu. "]]}'
as asha document/rota write '{"edits":[[0,0,"Mon Asha, Tue Ravi, Wed Asha"]]}'
seen=$(position)
as ravi document/rota write '{"edits":[[28,0,", Thu Ravi, Fri Meera"]]}'
seen=''
refused 403 forbidden imran document/menu write '{"edits":[[0,0,"Free tea! "]]}'

tell 'inventory: a shelf that anybody counts, and that is never sold twice'
shelf() { as meera "inventory/$1" name "{\"name\":\"$2\"}" "inventory/$1" count "{\"by\":$3}"; }
shelf masala-chai 'Masala chai, 250 g' 120
shelf elaichi-chai 'Elaichi chai, 250 g' 80
shelf filter-coffee 'Filter coffee, 500 g' 45
shelf rusk 'Rusk, 12 pieces' 18
shelf kokum 'Kokum syrup, 750 ml' 9
as imran inventory/masala-chai reserve '{"id":"nashik-1","quantity":40}'
as imran inventory/filter-coffee reserve '{"id":"nashik-2","quantity":20}'
as asha inventory/rusk reserve '{"id":"stall-1","quantity":6}'
refused 409 require_failed imran inventory/kokum reserve '{"id":"nashik-3","quantity":10}'
as meera inventory/masala-chai ship '{"id":"nashik-1","quantity":40}'
as imran inventory/filter-coffee release '{"id":"nashik-2"}'
as asha inventory/rusk count '{"by":-2}' inventory/kokum count '{"by":3}'
refused 403 forbidden imran inventory/rusk ship '{"id":"stall-1","quantity":6}'

tell 'coin: wages, an allowance for the till, and sales that pay and take in one transaction'
as owner coin/inr create '{"supply":5000000}'
as owner coin/inr transfer '{"to":"asha","amount":450000}' coin/inr transfer '{"to":"ravi","amount":420000}' \
    coin/inr transfer '{"to":"meera","amount":400000}' coin/inr transfer '{"to":"imran","amount":900000}' \
    coin/inr transfer '{"to":"lakshmi","amount":150000}'
as imran coin/inr approve '{"spender":"till","amount":100000}'
sale() { # sale BUYER AMOUNT ITEM: money and goods, both or neither
    as "$1" coin/inr transfer "{\"to\":\"owner\",\"amount\":$2}" "inventory/$3" count '{"by":-1}'
}
for round in 1 2 3; do
    sale asha 18000 masala-chai
    sale ravi 21000 elaichi-chai
    sale meera 36000 filter-coffee
    sale lakshmi 6500 rusk
    as till coin/inr transfer-from '{"from":"imran","to":"owner","amount":27000}' \
        inventory/elaichi-chai count '{"by":-1}'
    as owner coin/inr transfer "{\"to\":\"asha\",\"amount\":$((round * 1000))}"
done
refused 409 require_failed till coin/inr transfer-from '{"from":"imran","to":"owner","amount":27000}'
refused 409 require_failed lakshmi coin/inr transfer '{"to":"imran","amount":99999900}'
refused 403 forbidden ravi coin/inr mint '{"amount":100}'
as owner coin/inr burn '{"amount":50000}' coin/inr mint '{"amount":25000}'

tell 'asset: a brass samovar that is one of a kind, and counted sacks'
as asha asset/samovar create '{"kind":"unique","name":"Brass samovar of 1926"}'
as asha asset/samovar mint '{"to":"asha","quantity":1}'
as owner asset/sack create '{"kind":"commodity","name":"Assam, sack of 50 kg"}'
as owner asset/sack mint '{"to":"owner","quantity":60}'
as owner asset/sack transfer '{"to":"imran","quantity":12}' asset/sack transfer '{"to":"asha","quantity":8}'
as asha asset/samovar transfer '{"to":"ravi","quantity":1}'
as imran asset/sack burn '{"quantity":2}'
refused 409 require_failed asha asset/samovar transfer '{"to":"imran","quantity":1}'
refused 409 require_failed asha asset/samovar mint '{"to":"asha","quantity":1}'

tell 'contract: drafted, changed, reviewed and signed; the last signature makes it final'
as ravi contract/nashik-supply create '{"title":"Supply of tea to Nashik, 2026","text":"Ten sacks a month.",
    "parties":["owner","imran"],"may":{"draft":["ravi"],"review":["asha"],"void":["owner"]}}'
as ravi contract/nashik-supply draft '{"text":"Twelve sacks a month, paid within 30 days."}'
as asha contract/nashik-supply review '{"revision":2}'
refused 409 require_failed imran contract/nashik-supply sign '{"revision":1}'
as imran contract/nashik-supply sign '{"revision":2}'
as owner contract/nashik-supply sign '{"revision":2}'
refused 409 require_failed ravi contract/nashik-supply draft '{"text":"Two sacks a month."}'
as asha contract/stall-lease create '{"title":"Lease of the stall","text":"Eleven months.","parties":["asha","owner"],
    "may":{"draft":["asha"],"review":["ravi"],"void":["owner","asha"]}}'
as asha contract/stall-lease void '{"reason":"The municipality renews it itself."}'

tell 'credential: a licence that its owner shows to whom it likes'
as lakshmi credential/licence-asha issue '{"owner":"asha","kind":"food-licence",
    "claims":{"number":"11526001000123","stall":"Deccan Gymkhana"},"expires":"2099-03-31T18:29:59Z"}'
as lakshmi credential/licence-imran issue '{"owner":"imran","kind":"food-licence","claims":{"number":"11526001000456"}}'
ask 403 imran /state/credential/licence-asha
as asha credential/licence-asha present '{"to":"imran"}'
ask 200 imran /state/credential/licence-asha
as imran credential/licence-imran show '{"visibility":"account"}'
as lakshmi credential/licence-imran revoke '{"reason":"The warehouse has moved."}'
refused 409 require_failed imran credential/licence-imran present '{"to":"asha"}'
refused 403 forbidden asha credential/licence-ravi issue '{"owner":"ravi","kind":"food-licence","claims":{}}'
