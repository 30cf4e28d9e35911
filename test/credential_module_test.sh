#!/bin/sh
# The credential module from outside: issued to an owner, private until it is presented or shown, revoked or expired; and
# each rule and guard refused.
set -u
. "$PWD/test/modules_testing.sh"
begin credential
must truth actor add office --role issuer
for actor in asha baker carla eve; do must truth actor add $actor; done
# later SECONDS: that time
later() { date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%SZ; }
entity=credential/id-1
issue='{"owner": "asha", "kind": "licence", "claims": {"class": "B"}}'

# --- issued ---

refuses 'who is no issuer issues nothing' forbidden 'says no to eve' append $entity issue "$issue" --as eve
refuses 'not even the owner of the account' forbidden 'says no to owner' append $entity issue "$issue"
refuses 'there is an owner' bad_data '' append $entity issue '{"owner": "", "kind": "k", "claims": {}}' --as office
refuses 'claims are an object' bad_data '' append $entity issue '{"owner": "asha", "kind": "k", "claims": []}' --as office
refuses 'a hundred at most' bad_data '' append $entity issue \
    '{"owner": "asha", "kind": "k", "claims": {'"$(seq -s, 101 | sed 's/[0-9][0-9]*/"&":1/g')"'}}' --as office
refuses 'there is a kind' bad_data 'shorter' \
    append $entity issue '{"owner": "asha", "kind": "", "claims": {}}' --as office
refuses 'which is no book' bad_data 'longer' \
    append $entity issue '{"owner": "asha", "kind": "'"$(many 101)"'", "claims": {}}' --as office
refuses 'an end is a time' bad_data '' \
    append $entity issue '{"owner": "asha", "kind": "k", "claims": {}, "expires": "tomorrow"}' --as office
refuses 'that is to come' require_failed 'it would have expired already' append $entity issue \
    '{"owner": "asha", "kind": "k", "claims": {}, "expires": "2001-01-01T00:00:00Z"}' --as office
for type in present show revoke; do
    data='{"to": "baker"}'
    [ $type != show ] || data='{"visibility": "account"}'
    [ $type != revoke ] || data='{"reason": "none"}'
    refuses "$type needs a credential" forbidden 'says no' append $entity $type "$data" --as asha
done
does 'an issuer issues one' append $entity issue "$issue" --as office
refuses 'once' require_failed 'this credential exists already' append $entity issue "$issue" --as office

# --- private ---

for actor in asha office; do
    has "$actor reads it" "$(at truth get $entity --as $actor --json)" '"claims":{"class":"B"}'
    has "and its events" "$(at truth log $entity --as $actor --json)" '"type":"issue"'
done
for actor in baker carla owner; do
    refuses "$actor does not read it" forbidden "says no to $actor" get $entity --as $actor
    refuses 'and cannot tell it from what is not there' forbidden "says no to $actor" get credential/none --as $actor
    refuses 'nor its events' forbidden '' log $entity --as $actor
    has_not 'nor meets it in the log' "$(at truth log --as $actor --json)" 'id-1'
done

# --- presented, shown ---

refuses 'nobody presents what is not his' forbidden 'says no to eve' append $entity present '{"to": "eve"}' --as eve
refuses 'its issuer neither' forbidden 'says no to office' append $entity present '{"to": "eve"}' --as office
refuses 'it is presented to somebody' bad_data '' append $entity present '{"to": ""}' --as asha
does 'its owner presents it' append $entity present '{"to": "baker"}' --as asha
has 'so that actor reads it' "$(at truth get $entity --as baker --json)" '"status":"valid"'
has 'and its events' "$(at truth log --as baker --json)" '"type":"present"'
refuses 'another does not' forbidden '' get $entity --as carla
refuses 'who reads it does not present it' forbidden 'says no to baker' append $entity present '{"to": "eve"}' --as baker
refuses 'nor show it' forbidden 'says no to baker' append $entity show '{"visibility": "account"}' --as baker
refuses 'there are two ways to see it' bad_data '' append $entity show '{"visibility": "world"}' --as asha
does 'its owner shows it' append $entity show '{"visibility": "account"}' --as asha
has 'so all read it' "$(at truth get $entity --as carla --json)" '"visibility":"account"'
does 'and closes it' append $entity show '{"visibility": "private"}' --as asha
refuses 'so they do not' forbidden '' get $entity --as carla
has 'but for whom it was presented to' "$(at truth get $entity --as baker --json)" '"visibility":"private"'

# --- revoked ---

refuses 'its owner does not revoke it' forbidden 'says no to asha' append $entity revoke '{"reason": "lost"}' --as asha
refuses 'there is a reason' bad_data '' append $entity revoke --as office
refuses 'which says something' bad_data '' append $entity revoke '{"reason": ""}' --as office
refuses 'in a thousand letters' bad_data 'longer' \
    append $entity revoke '{"reason": "'"$(many 1001)"'"}' --as office
must truth actor add agency --role issuer
refuses 'another issuer does not' forbidden 'says no to agency' append $entity revoke '{"reason": "x"}' --as agency
does 'its issuer does' append $entity revoke '{"reason": "lost"}' --as office
refuses 'once' require_failed 'it was revoked' append $entity revoke '{"reason": "lost"}' --as office
refuses 'what was revoked is not presented' require_failed 'it was revoked' append $entity present '{"to": "eve"}' --as asha
has 'who had seen it learns of it' "$(at truth get $entity --as baker --json)" '"reason":"lost"'
refuses 'what was revoked is not issued again' require_failed 'this credential exists already' \
    append $entity issue "$issue" --as office

# --- expired ---

entity=credential/id-2 end=$(later 8)
does 'an issuer issues one that ends soon' append $entity issue \
    '{"owner": "asha", "kind": "ticket", "claims": {}, "expires": "'"$end"'"}' --as office
does 'until then it is presented' append $entity present '{"to": "baker"}' --as asha
until [ "$(later 0)" \> "$end" ]; do sleep 1; done
refuses 'and then no longer' require_failed 'it has expired' append $entity present '{"to": "carla"}' --as asha
has 'who had seen it reads it' "$(at truth get $entity --as baker --json)" '"kind":"ticket"'
sound truth
exit $failed
