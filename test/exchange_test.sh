#!/bin/sh
# A truth and two devices of the program itself: edits made apart, files exchanged in every order, twice over and with
# their lines shuffled, end in equal hashes; a role that was lost takes what leaned on it along; foreign files are refused.
set -u
modules=$PWD/examples/modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset REAKTOR_DATA

failures=0
ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    failures=$((failures + 1))
}
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2' is not '$3'"; fi; }
at() { place=$1; shift; "$REAKTOR" --data "$place" "$@"; }
must() { at "$@" >out 2>err || { cat err; not_ok "$*"; }; }
state() { at "$1" get "$2" --json | sed 's/.*"state":\(.*\),"hash".*/\1/'; }
hash() { at "$1" get "$2" --json | sed 's/.*"hash":"\([0-9a-f]*\)".*/\1/'; }
# carry FROM TO: the whole file, its lines shuffled and some of them doubled
carry() {
    must "$1" export parcel
    { cat parcel; awk 'NR % 3 == 0' parcel; } | shuf >shuffled
    must "$2" import shuffled
    must "$2" import parcel
}
same_everywhere() {
    for entity in document/d profile/p; do
        check "$1: $entity, truth and a" "$(hash truth $entity)" "$(hash a $entity)"
        check "$1: $entity, truth and b" "$(hash truth $entity)" "$(hash b $entity)"
    done
    waiting=$({ at a pending --json; at b pending --json; } | grep -vc '"refused"')
    check "$1: nothing is pending" "$waiting" 0
}
edit() {
    must a append document/d write '{"edits":[[0,0,"A"],[1,1,""]]}'
    must b append document/d write '{"edits":[[0,0,"BB"]]}'
    must a append profile/p tag '{"tag":"t"}'
    must b append profile/p tag '{"tag":"t"}'
    must a append profile/p untag '{"tag":"t"}'
    must a append profile/p rename '{"name":"by a"}'
    must b append profile/p rename '{"name":"by b"}'
    must b append profile/p restock '{"by":-2}'
    must a append profile/p view
}

must truth init
must truth module add "$modules/document.json"
must truth module add "$modules/profile.json"
must truth append document/d write '{"edits":[[0,0,"some text to begin with"]]}'
for device in a b; do
    must truth actor add $device --role writer
    must truth invite $device $device.invite
    must $device init --join $device.invite
done

while read -r order; do
    edit
    for step in $order; do
        case $step in
        a+) carry a truth ;; b+) carry b truth ;; a-) carry truth a ;; b-) carry truth b ;;
        esac
    done
    same_everywhere "$order"
done <<ORDERS
a+ b+ a- b-
b+ a+ b- a-
a+ a- b+ b- a-
b+ b- a+ a- b-
b+ a- a+ b- a-
a- a+ b- b+ b- a-
ORDERS

# A lost role: refused with the reason, the state goes back, what was typed on top falls too.
before=$(hash a document/d)
must a append document/d write '{"edits":[[0,0,"REFUSED "]]}'
must truth append actor/a set-roles '{"roles":[]}'
must a export refused
must truth import refused
must a append document/d write '{"edits":[[8,0,"ON TOP "]]}'
case $(state a document/d) in *'REFUSED ON TOP'*) ok 'the device shows what it typed' ;; *) not_ok 'the device shows what it typed' ;; esac
must truth export answer
must a import answer
check 'after the answer the state has gone back' "$(hash a document/d)" "$before"
case $(at a pending) in *forbidden*) ok 'pending says why' ;; *) not_ok 'pending says why' ;; esac
must truth append actor/a set-roles '{"roles":["writer"]}'
check 'offered again, the same batch gets the same answer' "$(at truth import refused --json >out && hash truth document/d)" "$before"
carry a truth
carry truth a
carry truth b
same_everywhere 'after the refusal'
case "$(state truth document/d)$(at b log --json)" in *'ON TOP'* | *REFUSED*) not_ok 'the others never saw it' ;; *) ok 'the others never saw it' ;; esac

# What must be refused.
must a export from_a
at b import from_a >out 2>err
check 'a file of a device is refused at another device' "$? $(sed -n 's/^reaktor: \([a-z_]*\):.*/\1/p' err)" '1 from_device'
must other init
must other export from_other
at a import from_other >out 2>err
check 'a file of another account is refused' "$? $(sed -n 's/^reaktor: \([a-z_]*\):.*/\1/p' err)" '1 wrong_account'
for i in 1 2 3; do must truth append profile/p view; done
last=$(at truth log --json | tail -n 1 | sed 's/.*"position":\([0-9]*\).*/\1/')
must truth export late --after $((last - 1))
at a import late >out 2>err
check 'a file that starts past what is known is refused' "$? $(sed -n 's/^reaktor: \([a-z_]*\):.*/\1/p' err)" '1 record_gap'
grep -q -- "--after $((last - 3))" err && ok 'and the cursor that is needed is named' || not_ok 'and the cursor that is needed is named'

# A copied device folder, and a truth restored from an older copy.
cp -a truth truth.backup
must a append document/d write '{"edits":[[0,0,"late "]]}'
carry a truth
carry truth a
rm -rf truth
cp -a truth.backup truth
cp -a b b2
must b append document/d write '{"edits":[[0,0,"original "]]}'
must b2 append document/d write '{"edits":[[0,0,"copy "]]}'
must truth append profile/p view
carry truth a
carry truth b
carry truth b2
for place in a b b2; do carry $place truth; done
for place in a b b2; do carry truth $place; done
same_everywhere 'after copy and restore'
check 'the copy agrees too' "$(hash truth document/d)" "$(hash b2 document/d)"
for word in late original copy; do
    case $(state truth document/d) in *$word*) ok "nothing of '$word' is lost" ;; *) not_ok "nothing of '$word' is lost" ;; esac
done
for place in truth a b b2; do must $place verify && must $place replay; done
[ $failures -eq 0 ]
