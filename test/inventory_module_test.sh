#!/bin/sh
# The inventory module from outside: two devices count apart and their counts add up; what they reserve apart is decided
# by the truth, so that nothing is promised twice; released, shipped; and each rule and guard refused.
set -u
. "$PWD/test/modules_testing.sh"
begin inventory
device a
device b
must truth actor add clerk --role clerk
must truth actor add eve
shelf=inventory/tea
exchange() {
    carry a truth
    carry b truth
    carry truth a
    carry truth b
}
same_everywhere() {
    is 'a sees what the truth has' "$(hash a $shelf)" "$(hash truth $shelf)"
    is 'b sees what the truth has' "$(hash b $shelf)" "$(hash truth $shelf)"
    is 'nothing waits' "$({ at a pending --json; at b pending --json; } | grep -vc '"refused"')" 0
}

# --- counting, apart ---

refuses 'nothing is reserved of what was never counted' require_failed 'not enough in stock' \
    append $shelf reserve '{"id": "r0", "quantity": 1}' --as eve
refuses 'a count is whole' bad_data '' append $shelf count '{"by": 1.5}'
refuses 'and has a bound' bad_data '' append $shelf count '{"by": 1000000001}'
refuses 'either way' bad_data '' append $shelf count '{"by": -1000000001}'
refuses 'a name is not empty' bad_data 'shorter' append $shelf name '{"name": ""}'
refuses 'nor a book' bad_data 'longer' append $shelf name '{"name": "'"$(many 201)"'"}'
must a append $shelf name '{"name": "Tea"}'
must a append $shelf count '{"by": 7}'
must b append $shelf count '{"by": 5}'
must b append $shelf count '{"by": -2}'
has 'a sees its own count' "$(state a $shelf)" '"stock":7'
has 'b sees its own count' "$(state b $shelf)" '"stock":3'
exchange
has 'both counts add up' "$(state truth $shelf)" '"stock":10'
same_everywhere

# --- reserving, apart: 6 and 6 of 10, then 3 of what is left ---

must a append $shelf reserve '{"id": "ra", "quantity": 6}'
must b append $shelf reserve '{"id": "rb", "quantity": 6}'
must b append $shelf reserve '{"id": "rc", "quantity": 3}'
has 'a sees its reservation' "$(state a $shelf)" '"reserved":6'
has 'b sees both of its own' "$(state b $shelf)" '"reserved":9'
has 'which wait for the truth' "$(at b get $shelf --json)" '"pending":2'
if at b append $shelf reserve '{"id": "rd", "quantity": 2}' --json >out 2>err; then not_ok 'a device does not oversell'; else
    has 'a device does not oversell' "$(cat err)" 'not enough in stock'
fi
exchange
has 'the truth takes what fits' "$(state truth $shelf)" \
    '"reservations":{"ra":{"by":"a","quantity":6},"rc":{"by":"b","quantity":3}}'
has 'and no more' "$(state truth $shelf)" '"reserved":9'
refused=$(at b pending --json)
has 'b hears that the other was refused' "$refused" '"refused"'
has 'by its code' "$refused" 'require_failed'
has 'and why' "$refused" 'not enough in stock'
has 'people read it too' "$(at b pending)" 'not enough in stock'
is 'nothing of a was refused' "$(at a pending --json)" ''
same_everywhere
refuses 'nobody else is promised what is' require_failed 'not enough in stock' \
    append $shelf reserve '{"id": "re", "quantity": 2}' --as eve
refuses 'a reservation has its own id' require_failed 'this reservation exists already' \
    append $shelf reserve '{"id": "ra", "quantity": 1}' --as eve
refuses 'nothing is no reservation' bad_data 'below' append $shelf reserve '{"id": "re", "quantity": 0}' --as eve
refuses 'too much neither' bad_data 'above' append $shelf reserve '{"id": "re", "quantity": 1000000001}' --as eve
refuses 'its id is not empty' bad_data 'shorter' append $shelf reserve '{"id": "", "quantity": 1}' --as eve
refuses 'nor a book' bad_data 'longer' append $shelf reserve '{"id": "'"$(many 101)"'", "quantity": 1}' --as eve

# --- released ---

refuses 'what is not reserved is not released' require_failed 'there is no such reservation' \
    append $shelf release '{"id": "rb"}' --as eve
refuses "another's is not" require_failed "the reservation is another's" append $shelf release '{"id": "ra"}' --as eve
does 'who reserved it releases it' append $shelf release '{"id": "rc"}' --as b
has 'so it can be reserved' "$(state truth $shelf)" '"reserved":6'
does 'by another' append $shelf reserve '{"id": "rf", "quantity": 4}' --as eve
does 'a clerk releases for all' append $shelf release '{"id": "rf"}' --as clerk
refuses 'once' require_failed 'there is no such reservation' append $shelf release '{"id": "rf"}' --as clerk

# --- shipped ---

refuses 'clerks ship, and nobody else' forbidden 'says no to a' append $shelf ship '{"id": "ra", "quantity": 6}' --as a
refuses 'what is not reserved is not shipped' require_failed 'there is no such reservation' \
    append $shelf ship '{"id": "rf", "quantity": 4}' --as clerk
refuses 'it is shipped as it was reserved' require_failed 'another quantity is reserved' \
    append $shelf ship '{"id": "ra", "quantity": 5}' --as clerk
does 'a clerk ships' append $shelf ship '{"id": "ra", "quantity": 6}' --as clerk
refuses 'once' require_failed 'there is no such reservation' append $shelf ship '{"id": "ra", "quantity": 6}' --as clerk
has 'the goods have left' "$(state truth $shelf)" '"stock":4'
has 'and are promised to nobody' "$(state truth $shelf)" '"reserved":0'
has 'in no reservation' "$(state truth $shelf)" '"reservations":{}'
must a append $shelf count '{"by": -1}'
exchange
has 'and counting goes on' "$(state truth $shelf)" '"stock":3'
same_everywhere
sound truth a b
exit $failed
