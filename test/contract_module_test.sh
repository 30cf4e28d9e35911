#!/bin/sh
# The contract module from outside: drafted, reviewed, signed by each party, final, void; by those whom it names, and
# nobody else, who cannot read it either.
set -u
. "$PWD/test/modules_testing.sh"
begin contract
for actor in asha lawyer judge eve; do must truth actor add $actor; done
device ravi
contract='{"title": "Rent", "text": "100 a month", "parties": ["asha", "ravi"],
    "may": {"draft": ["lawyer", "asha"], "review": ["lawyer"], "void": ["judge"]}}'
entity=contract/rent

# --- draft ---

refuses 'what does not exist is not signed' forbidden 'says no' append $entity sign '{"revision": 1}' --as asha
nobody='{"draft": [], "review": [], "void": []}'
# create TITLE TEXT CONTRACT-TITLE PARTIES MAY: as data that do not fit.
create() {
    refuses "$1" bad_data "$2" append $entity create \
        "{\"title\": \"$3\", \"text\": \"\", \"parties\": $4, \"may\": $5}" --as asha
}
create 'a contract has a title' 'shorter' '' '["asha"]' "$nobody"
create 'and that is no book' 'longer' "$(many 201)" '["asha"]' "$nobody"
create 'it has parties' 'minItems' Rent '[]' "$nobody"
create 'a hundred at most' 'maxItems' Rent "[$(seq -s, 101 | sed 's/[0-9][0-9]*/"&"/g')]" "$nobody"
create 'each once' 'equal' Rent '["asha", "asha"]' "$nobody"
create 'who are somebody' 'shorter' Rent '[""]' "$nobody"
create 'it says who may what' 'is missing' Rent '["asha"]' '{"draft": []}'
create 'and knows three steps' '' Rent '["asha"]' '{"draft": [], "review": [], "void": [], "sign": []}'
create 'for actors' '' Rent '["asha"]' '{"draft": [1], "review": [], "void": []}'
does 'a contract' append $entity create "$contract" --as asha
refuses 'is created once' require_failed 'this contract exists already' append $entity create "$contract" --as eve
has 'it is a draft' "$(state truth $entity)" '"status":"draft"'
has 'of the text that it was created with' "$(state truth $entity)" '"text":"100 a month"'
does 'who may draft writes it anew' append $entity draft '{"text": "200 a month"}' --as lawyer
has 'so it reads' "$(at truth get $entity --as ravi --json)" '"text":"200 a month"'
refuses 'a party that may not draft does not' require_failed 'does not let you draft' \
    append $entity draft '{"text": "0"}' --as ravi
refuses 'nobody signs a draft' require_failed 'it is signed after its review' \
    append $entity sign '{"revision": 2}' --as asha
refuses 'who may not review does not' require_failed 'does not let you review' append $entity review '{"revision": 2}' --as asha
refuses 'nobody reviews an old text' require_failed 'the text is another now' \
    append $entity review '{"revision": 1}' --as lawyer
does 'who may review does' append $entity review '{"revision": 2}' --as lawyer
refuses 'once' require_failed 'it is not a draft' append $entity review '{"revision": 2}' --as lawyer

# --- sign ---

refuses 'nobody else signs' require_failed 'only its parties sign it' append $entity sign '{"revision": 2}' --as eve
refuses 'nor who drafted it' require_failed 'only its parties sign it' append $entity sign '{"revision": 2}' --as lawyer
does 'a party signs' append $entity sign '{"revision": 2}' --as asha
refuses 'once' require_failed 'you have signed it' append $entity sign '{"revision": 2}' --as asha
has 'and the other has not' "$(state truth $entity)" '"status":"review"'
carry truth ravi
must ravi append $entity sign '{"revision": 2}'
has 'the other signs far away' "$(state ravi $entity)" '"status":"final"'
does 'meanwhile the text is written anew' append $entity draft '{"text": "300 a month"}' --as asha
has 'and no signature counts' "$(state truth $entity)" '"signed":{}'
does 'and reviewed' append $entity review '{"revision": 3}' --as lawyer
carry ravi truth
has 'who signed the old text has not signed the new one' "$(state truth $entity)" '"signed":{}'
carry truth ravi
has 'and hears why' "$(at ravi pending)" 'the text is another now'
has 'the truth is what he sees' "$(state ravi $entity)" '"text":"300 a month"'
is 'all see the same' "$(hash ravi $entity)" "$(hash truth $entity)"
refuses 'an old text is not signed' require_failed 'the text is another now' \
    append $entity sign '{"revision": 2}' --as asha
must ravi append $entity sign '{"revision": 3}'
carry ravi truth
events=$(length truth)
does 'the last party signs' append $entity sign '{"revision": 3}' --as asha
is 'which is one event' "$(length truth)" "$((${events% *} + 1)) $((${events#* } + 1))"
has 'it is final' "$(state truth $entity)" '"status":"final"'
refuses 'nobody changes it any more' require_failed 'it can no longer be changed' \
    append $entity draft '{"text": "0"}' --as asha
refuses 'nor reviews it' require_failed 'it is not a draft' append $entity review '{"revision": 3}' --as lawyer
refuses 'nor signs it' require_failed 'it is signed after its review' append $entity sign '{"revision": 3}' --as ravi

# --- signed as it was created ---

does 'a contract of one party' append contract/vow create '{"title": "Vow", "text": "I will", "parties": ["asha"],
    "may": {"draft": [], "review": ["asha"], "void": []}}' --as asha
does 'is reviewed' append contract/vow review '{"revision": 1}' --as asha
does 'and signed' append contract/vow sign '{"revision": 1}' --as asha
has 'and final' "$(state truth contract/vow)" '"status":"final"'

# --- void ---

refuses 'a party that may not does not void it' require_failed 'does not let you void it' \
    append $entity void '{"reason": "too dear"}' --as asha
refuses 'there is a reason' bad_data '' append $entity void --as judge
refuses 'which says something' bad_data '' append $entity void '{"reason": ""}' --as judge
refuses 'in a thousand letters' bad_data 'longer' append $entity void "{\"reason\": \"$(many 1001)\"}" --as judge
does 'who may void it does' append $entity void '{"reason": "under duress"}' --as judge
has 'it is void' "$(state truth $entity)" '"status":"void"'
has 'and says why' "$(state truth $entity)" '"reason":"under duress"'
refuses 'once' require_failed 'it is void' append $entity void '{"reason": "again"}' --as judge
refuses 'nobody drafts what is void' require_failed 'it can no longer be changed' \
    append $entity draft '{"text": "0"}' --as lawyer

# --- who reads it ---

for actor in asha ravi lawyer judge owner; do
    has "$actor reads it" "$(at truth get $entity --as $actor --json)" '"title":"Rent"'
done
refuses 'an outsider does not' forbidden 'says no to eve' get $entity --as eve
refuses 'and cannot tell it from what is not there' forbidden 'says no to eve' get contract/none --as eve
refuses 'who reads all is told' not_found '' get contract/none
refuses 'nor its events' forbidden '' log $entity --as eve
has_not 'nor meets it in the log' "$(at truth log --as eve --json)" 'contract/rent'
for type in draft void; do
    data='{"text": "x"}'
    [ $type = draft ] || data='{"reason": "x"}'
    refuses "an outsider's $type is refused without telling how it stands" require_failed 'does not let you' \
        append $entity $type "$data" --as eve
done
carry truth ravi
sound truth ravi
exit $failed
