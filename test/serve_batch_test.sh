#!/bin/sh
# Batches that a device has sealed, sent to the server one by one: each is judged once, in order, for its own actor; the
# device then learns the outcome from the truth's export as if it had sent a file. And answers in CBOR.
set -u
. "$PWD/test/serve_testing.sh"

on() { # on FOLDER ARGUMENTS...
    folder=$1
    shift
    "$REAKTOR" --data "$folder" "$@" 2>>errors
}
# offer TOKEN STATUS CODE NAME FILE
offer() {
    got=$(curl -s -m 20 -o body -w '%{http_code}' -H "Authorization: Bearer $1" -H "Content-Type: ${6:-application/cbor}" \
        --data-binary "@$5" "$base/v1/default/batches")
    judge "$2" "$3" "$4"
}
sealed() { # sealed NUMBER: the device's batch of that number, as bytes
    grep '"frame":"pending"' out | grep "\"number\":$1," | sed 's/.*"batch":"\([^"]*\)".*/\1/' | base64 -d >"batch$1"
}

{ on truth init && on truth actor add a && on truth actor add b && on truth module add "$root/examples/modules/coin.json" &&
    on truth append coin/inr create '{"supply":1000}' --as a && on truth invite a a.invite &&
    on device init --join a.invite && on device append coin/inr burn '{"amount":10}' --as a &&
    on device append coin/inr transfer '{"to":"b","amount":900}' --as a &&
    on device append coin/inr transfer '{"to":"b","amount":90}' --as a; } >/dev/null &&
    ok 'a truth and a device with three pending transactions' || not_ok 'a truth and a device'
on truth append coin/inr burn '{"amount":900}' --as a >/dev/null
on device export out >/dev/null
for number in 1 2 3 4; do sealed $number; done
"$REAKTOR" serve --data truth --port 0 >serving 2>>errors &
server=$!
n=0
while [ ! -s serving ] && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
base=$(sed -n 's/^listening on //p' serving)
a=$(on truth token a) b=$(on truth token b)

offer "$a" 409 batch_gap 'a batch before those that lead to it' batch2
offer "$b" 403 forbidden 'by another than who sealed it' batch1
offer "$a" 415 unsupported_media_type 'as JSON' batch1 application/json
head -c 40 batch1 >half
offer "$a" 400 - 'half of it' half
cp batch2 broken && printf 'X' | dd of=broken bs=1 seek=150 conv=notrunc 2>/dev/null
offer "$a" 200 - 'the first: the device comes in' batch1
offer "$a" 401 bad_signature 'a changed byte' broken
before=$(on truth log --json | wc -l)
offer "$a" 200 - 'the second' batch2
says 'is accepted' '"transactions":1,"refused":[]}'
offer "$a" 200 - 'the third' batch3
says 'is refused, and says why' '"refused":[{"transaction":0,"code":"require_failed","detail":"'
offer "$a" 200 - 'the fourth' batch4
cp body fourth
offer "$a" 200 - 'the fourth again' batch4
says 'is not judged again' '"again":true'
[ "$(sed 's/,"again":true//' body)" = "$(cat fourth)" ] && ok 'and has the same outcome' || not_ok 'and has the same outcome'
offer "$a" 200 - 'the third again' batch3
says 'is still refused' '"code":"require_failed"'
[ "$(on truth log --json | wc -l)" = $((before + 2)) ] && ok 'two events came' || not_ok 'two events came'

curl -s -o body -H "Authorization: Bearer $a" -H 'Accept: application/cbor' "$base/v1/default/state/coin/inr"
[ "$(od -An -tx1 -N1 body | tr -d ' ')" = a5 ] && grep -qa 'supply' body && ok 'an answer in CBOR is a map of five' ||
    not_ok 'an answer in CBOR is a map of five'
printf '\241\146events\201\243\144data\241\146amount\001\144type\144burn\146entity\150coin/inr' >burn.cbor
got=$(curl -s -o body -w '%{http_code} %{content_type}' -H "Authorization: Bearer $b" -H 'Content-Type: application/cbor' \
    -H 'Accept: application/cbor' --data-binary @burn.cbor "$base/v1/default/events")
[ "$got" = '201 application/cbor' ] && ok 'a transaction in CBOR, answered in it' || not_ok "a transaction in CBOR ($got)"

kill "$server" && wait "$server" && ok 'it stops' || not_ok 'it stops'
server=""
on truth export all >/dev/null && on device import all >/dev/null && ok 'the device takes the export' ||
    not_ok 'the device takes the export'
[ "$(on device get coin/inr --json)" = "$(on truth get coin/inr --json)" ] && ok 'both have one state' || not_ok 'both have one state'
on device pending >pending
grep -q 'require_failed' pending && ok 'it knows what was refused' || not_ok 'it knows what was refused'
on truth verify >/dev/null && on truth replay >/dev/null && ok 'the truth verifies and replays' || not_ok 'verify and replay'
[ -s errors ] && not_ok "nothing was said on standard error: $(cat errors)" || ok 'nothing was said on standard error'
