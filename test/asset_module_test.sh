#!/bin/sh
# The asset module from outside: a thing of one kind and a counted one, from their creation to their end, and each rule
# and guard refused.
set -u
. "$PWD/test/modules_testing.sh"
begin asset
for actor in mint asha ravi; do must truth actor add $actor; done

# --- one of a kind ---

refuses 'what does not exist is not minted' forbidden 'says no to mint' \
    append asset/lamp mint '{"to": "asha", "quantity": 1}' --as mint
refuses 'nor transferred' forbidden 'says no' append asset/lamp transfer '{"to": "asha", "quantity": 1}' --as mint
refuses 'nor burnt' forbidden 'says no' append asset/lamp burn '{"quantity": 1}' --as mint
refuses 'there are two kinds' bad_data '' append asset/lamp create '{"kind": "odd", "name": "Lamp"}' --as mint
refuses 'a name is not empty' bad_data 'shorter' append asset/lamp create '{"kind": "unique", "name": ""}' --as mint
refuses 'nor a book' bad_data 'longer' append asset/lamp create "{\"kind\": \"unique\", \"name\": \"$(many 201)\"}" --as mint
does 'a unique asset' append asset/lamp create '{"kind": "unique", "name": "Lamp"}' --as mint
refuses 'is created once' require_failed 'this asset exists already' \
    append asset/lamp create '{"kind": "commodity", "name": "Oil"}' --as asha
refuses 'is minted by its issuer only' forbidden 'says no to asha' \
    append asset/lamp mint '{"to": "asha", "quantity": 1}' --as asha
refuses 'is minted with quantity 1' require_failed 'minted once, with quantity 1' \
    append asset/lamp mint '{"to": "asha", "quantity": 2}' --as mint
refuses 'and not with 0' bad_data '' append asset/lamp mint '{"to": "asha", "quantity": 0}' --as mint
refuses 'to somebody' bad_data '' append asset/lamp mint '{"to": "", "quantity": 1}' --as mint
does 'is minted' append asset/lamp mint '{"to": "asha", "quantity": 1}' --as mint
refuses 'and not twice' require_failed 'minted once, with quantity 1' \
    append asset/lamp mint '{"to": "ravi", "quantity": 1}' --as mint
has 'it has one holder' "$(state truth asset/lamp)" '"holders":{"asha":1}'
refuses 'who does not hold it cannot give it' require_failed 'not a holder of that much' \
    append asset/lamp transfer '{"to": "ravi", "quantity": 1}' --as mint
refuses 'nor burn it' require_failed 'not a holder of that much' append asset/lamp burn '{"quantity": 1}' --as ravi
refuses 'there is one of it' require_failed 'not a holder of that much' \
    append asset/lamp transfer '{"to": "ravi", "quantity": 2}' --as asha
refuses 'nobody gives it to himself' require_failed 'a transfer goes to another actor' \
    append asset/lamp transfer '{"to": "asha", "quantity": 1}' --as asha
does 'it is given on' append asset/lamp transfer '{"to": "ravi", "quantity": 1}' --as asha
has 'and has one holder, another' "$(state truth asset/lamp)" '"holders":{"ravi":1}'
does 'its holder burns it' append asset/lamp burn '{"quantity": 1}' --as ravi
has 'nobody holds it' "$(state truth asset/lamp)" '"holders":{}'
refuses 'what was burnt is not minted again' require_failed 'minted once, with quantity 1' \
    append asset/lamp mint '{"to": "ravi", "quantity": 1}' --as mint

# --- counted ---

does 'a commodity' append asset/rice create '{"kind": "commodity", "name": "Rice"}' --as mint
does 'is minted' append asset/rice mint '{"to": "asha", "quantity": 10}' --as mint
does 'and again' append asset/rice mint '{"to": "mint", "quantity": 5}' --as mint
refuses 'as far as one can count' require_failed 'more than can be counted' \
    append asset/rice mint '{"to": "asha", "quantity": 9223372036854775807}' --as mint
does 'some of it is given' append asset/rice transfer '{"to": "ravi", "quantity": 4}' --as asha
does 'some of it is burnt' append asset/rice burn '{"quantity": 1}' --as ravi
has 'each holds what is left' "$(state truth asset/rice)" '"holders":{"asha":6,"mint":5,"ravi":3}'
has 'and together the quantity' "$(state truth asset/rice)" '"quantity":14'
refuses 'nobody takes by giving less than nothing' bad_data 'below its minimum' \
    append asset/rice transfer '{"to": "asha", "quantity": -1}' --as ravi
refuses 'nor mints by burning it' bad_data 'below its minimum' append asset/rice burn '{"quantity": -1}' --as ravi
refuses 'it is given to somebody' bad_data 'shorter' append asset/rice transfer '{"to": "", "quantity": 1}' --as ravi
refuses 'nobody gives more than he has' require_failed 'not a holder of that much' \
    append asset/rice transfer '{"to": "asha", "quantity": 4}' --as ravi
does 'all of it is given' append asset/rice transfer '{"to": "asha", "quantity": 3}' --as ravi
has 'who holds nothing is no holder' "$(state truth asset/rice)" '"holders":{"asha":9,"mint":5}'
does 'all of it is burnt' append asset/rice burn '{"quantity": 5}' --as mint
has 'and its holder is none' "$(state truth asset/rice)" '"holders":{"asha":9}'
has 'all read it' "$(at truth get asset/rice --as ravi --json)" '"name":"Rice"'
has 'as it was too' "$(at truth get asset/rice --at 3 --json)" '"holders":{"asha":10,"mint":5}'
sound truth
exit $failed
