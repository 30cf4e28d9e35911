#!/bin/sh
# The coin module on the command line: who has what in the end, each refusal with its exit code, its code and a log that
# has not grown, transactions with conditions, and files that somebody has changed on their way.
set -u
. "$PWD/test/modules_testing.sh"
begin coin
device a
device b
must truth actor add c
coin=coin/inr

refuses 'what does not exist is not spent' forbidden 'says no to a' append $coin burn '{"amount": 1}' --as a
does 'a creates a coin' append $coin create '{"supply": 1000}' --as a
does 'a transfers' append $coin transfer '{"to": "b", "amount": 300}' --as a
does 'a mints' append $coin mint '{"amount": 200}' --as a
does 'b burns' append $coin burn '{"amount": 100}' --as b
does 'a approves' append $coin approve '{"spender": "b", "amount": 150}' --as a
does "b moves what is a's" append $coin transfer-from '{"from": "a", "to": "b", "amount": 100}' --as b
outcome='{"issuer":"a","supply":1100,"balance":{"a":800,"b":300},"allowance":{"a":{"b":50}}}'
is 'it all adds up' "$(state truth $coin)" "$outcome"

# --- refused ---

refuses 'more than b has' require_failed 'insufficient balance' append $coin transfer '{"to": "a", "amount": 301}' --as b
refuses 'more than b can burn' require_failed 'insufficient balance' append $coin burn '{"amount": 301}' --as b
refuses 'who has nothing' require_failed 'insufficient balance' append $coin transfer '{"to": "a", "amount": 1}' --as c
refuses 'more than is allowed' require_failed 'insufficient allowance' \
    append $coin transfer-from '{"from": "a", "to": "b", "amount": 51}' --as b
refuses 'who is allowed nothing' require_failed 'insufficient allowance' \
    append $coin transfer-from '{"from": "b", "to": "c", "amount": 1}' --as c
refuses 'from one to the same' require_failed 'a transfer goes to another actor' \
    append $coin transfer-from '{"from": "a", "to": "a", "amount": 1}' --as b
refuses 'an allowance for oneself' require_failed 'who owns needs no allowance' \
    append $coin approve '{"spender": "a", "amount": 1}' --as a
# less TITLE TYPE DATA: what the schema's smallest number keeps out
less() { refuses "$1" bad_data 'below its minimum' append $coin "$2" "$3" --as a; }
less 'a mint of nothing' mint '{"amount": 0}'
less 'a burn of less than nothing' burn '{"amount": -1}'
less 'an allowance of less than nothing' approve '{"spender": "b", "amount": -1}'
less 'nothing, with leave' transfer-from '{"from": "b", "to": "a", "amount": 0}'
refuses 'an allowance for nobody' bad_data 'shorter' append $coin approve '{"spender": "", "amount": 1}' --as a
refuses 'from nobody' bad_data 'shorter' append $coin transfer-from '{"from": "", "to": "b", "amount": 1}' --as b
refuses 'to nobody, with leave' bad_data 'shorter' \
    append $coin transfer-from '{"from": "a", "to": "", "amount": 1}' --as b
# number TITLE CODE TEXT AMOUNT
number() { refuses "$1" "$2" "$3" append $coin transfer "{\"to\": \"b\", \"amount\": $4}" --as a; }
number 'less than nothing' bad_data 'below its minimum' -5
number 'nothing' bad_data 'below its minimum' 0
number 'a fraction' bad_data 'it is no integer' 1.5
number 'a text' bad_data '' '"5"'
number '1e30' overflow 'does not fit 64 bits' 1e30
number 'a thousand million million million' bad_json 'too big integer' 1000000000000000000000
number 'the largest integer' require_failed 'insufficient balance' 9223372036854775807
number '1000, however it is spelt' require_failed 'insufficient balance' 1e3
refuses 'to oneself' require_failed 'a transfer goes to another actor' \
    append $coin transfer '{"to": "a", "amount": 5}' --as a
refuses 'to nobody' bad_data 'shorter' append $coin transfer '{"to": "", "amount": 5}' --as a
refuses 'a mint by b' forbidden 'says no to b' append $coin mint '{"amount": 5}' --as b
refuses 'a mint past the last number' require_failed 'more than a coin can count' \
    append $coin mint '{"amount": 9223372036854775807}' --as a
refuses 'a second creation' require_failed 'this coin exists already' append $coin create '{"supply": 5}' --as b
refuses 'a debt from the start' bad_data 'below its minimum' append coin/usd create '{"supply": -1}' --as a
refuses 'another version than expected' version_conflict '' append $coin burn '{"amount": 1}' --expect 5 --as a
refuses 'an unknown field' bad_data 'memo' append $coin transfer '{"to": "b", "amount": 5, "memo": "x"}' --as a
refuses 'a missing field' bad_data 'is missing' append $coin transfer '{"to": "b"}' --as a
refuses 'an unknown event type' unknown_event_type 'steal' append $coin steal --as a
refuses 'an actor without a key' no_key '' append $coin burn '{"amount": 1}' --as nobody
is 'nothing of it changed anything' "$(state truth $coin)" "$outcome"

does 'a new coin' append coin/new create '{"supply": 5}' --as a
does 'whose owner allows more than there is' append coin/new approve '{"spender": "b", "amount": 9}' --as a
refuses 'moves no more than there is' require_failed 'insufficient balance' \
    append coin/new transfer-from '{"from": "a", "to": "b", "amount": 6}' --as b

# --- transactions ---

cat >both <<'JSON'
{"require": "states['coin/inr'].supply == 1100 && !states[?'coin/usd'].hasValue()"}
{"entity": "coin/inr", "expect": 6}
{"entity": "coin/usd", "expect": 0}
{"entity": "coin/inr", "type": "transfer", "data": {"to": "b", "amount": 100}, "expect": 6}
{"entity": "coin/usd", "type": "create", "data": {"supply": 10}}
JSON
does 'what holds lets two coins change at once' append --batch both --as a
is 'the one has moved' "$(state truth $coin)" \
    '{"issuer":"a","supply":1100,"balance":{"a":700,"b":400},"allowance":{"a":{"b":50}}}'
is 'the other is there' "$(state truth coin/usd)" '{"issuer":"a","supply":10,"balance":{"a":10}}'
refuses 'not again, for the version is another' version_conflict 'at version 7, not 6' append --batch both --as a
has '... and the line is named' "$(cat err)" 'both, line 2'
# transfer TITLE CODE TEXT LINE: a good transfer with that line behind it
transfer() {
    { echo '{"entity": "coin/inr", "type": "transfer", "data": {"to": "b", "amount": 1}}'; echo "$4"; } >lines
    refuses "$1" "$2" "$3" append --batch lines --as a
    has '... and the line is named' "$(cat err)" 'lines, line 2'
}
transfer 'a condition that does not hold' require_failed 'does not hold' '{"require": "states['"'$coin'"'].supply < 0"}'
transfer 'a condition over what is not there' expression_failed 'no such key' \
    '{"require": "states['"'coin/none'"'].supply > 0"}'
transfer 'a condition that is no expression' bad_expression '' '{"require": "1 +"}'
transfer 'a condition that gives no truth' bad_expression '' '{"require": "1"}'
transfer 'a version that was not expected' version_conflict '' '{"entity": "coin/usd", "expect": 2}'
transfer 'a second step that does not fit' require_failed 'insufficient balance' \
    '{"entity": "coin/usd", "type": "burn", "data": {"amount": 11}}'
transfer 'a line that is nothing' bad_file '' '{"entity": "coin/usd"}'
{ echo '{"entity": "coin/inr", "expect": 7}'; echo '{"require": "true"}'; } >nothing
refuses 'conditions alone' bad_data '' append --batch nothing --as a

# --- changed on their way ---

# alter FRAME HEX: in the last line of such a frame in the file `parcel`, the byte after these bytes of its batch.
alter() {
    wanted=$(grep "\"frame\":\"$1\"" parcel | tail -n 1 | sed 's/.*"batch":"\([^"]*\)".*/\1/')
    echo "$wanted" | base64 -d >bytes
    hex=$(od -An -v -tx1 bytes | tr -d ' \n')
    head=${hex%%"$2"*}$2
    byte=${hex#"$head"}
    byte=$((0x${byte%"${byte#??}"} ^ 1))
    printf "\\$(printf %03o $byte)" | dd of=bytes bs=1 seek=$((${#head} / 2)) conv=notrunc 2>/dev/null
    sed "s|$wanted|$(base64 <bytes | tr -d '\n')|" parcel >altered
    if cmp -s parcel altered; then not_ok "a byte of the $1 frame is changed"; fi
}
# The header ends with key 12, 0 (an actor sealed it); the signature's 64 bytes follow it.
signature=0c005840
amount=$(printf amount | od -An -tx1 | tr -d ' \n')
carry truth a
must a append $coin transfer '{"to": "b", "amount": 7}'
must a export parcel
alter pending $signature
refuses 'a forged signature' bad_signature '' import altered
alter pending "$amount"
refuses 'a changed amount' bad_batch '' import altered
sed 's/"code":/"cod":/; s/"number":/"nmber":/' parcel >altered
refuses 'a changed line' bad_file '' import altered
does 'as it was sealed, it is taken' import parcel
has 'and counts' "$(state truth $coin)" '"balance":{"a":693,"b":407}'
must truth export parcel
length=$(length b)
for bytes in $signature "$amount"; do
    alter commit "$bytes"
    at b import altered --json >out 2>err
    is 'a device refuses what was changed after the truth' "$? $(sed 's/.*"error":"\([a-z_]*\)".*/\1/' err)" \
        "1 $([ "$bytes" = $signature ] && echo bad_signature || echo bad_batch)"
done
is 'and has nothing of it' "$(length b)" "$length"
must b import parcel
carry truth a
is 'both devices agree with the truth' "$(hash a $coin) $(hash b $coin)" "$(hash truth $coin) $(hash truth $coin)"
sound truth a b
exit $failed
