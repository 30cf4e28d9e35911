#!/bin/sh
# A guided run: two people edit one document and one profile apart, meet, and agree. All of it happens in a temporary
# folder that is removed at the end. `make tour` builds the program and starts this.
set -eu
cd "$(dirname "$0")/.."
reaktor=$PWD/build/reaktor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"
modules=$OLDPWD/examples/modules

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
quiet() { "$@" >/dev/null; }
show() {
    printf '    $ reaktor'
    for word in "$@"; do case $word in *[\ \"]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done
    printf '\n'
    "$reaktor" "$@" | sed 's/^/    /'
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
text_of() { "$reaktor" --data "$1" get "$2" --json | sed -n 's/.*"state":\(.*\),"hash".*/\1/p'; }
hash_of() { "$reaktor" --data "$1" get "$2" --json | field hash; }
# carry FROM TO: what one database knows, in a file, to the other
carry() { quiet "$reaktor" --data "$1" export parcel.jsonl && quiet "$reaktor" --data "$2" import parcel.jsonl; }

say '1. An office keeps the truth: one log that accepts every change, once.'
quiet "$reaktor" --data office init --account demo
quiet "$reaktor" --data office module add "$modules/document.json"
quiet "$reaktor" --data office module add "$modules/profile.json"
quiet "$reaktor" --data office actor add asha --role writer
quiet "$reaktor" --data office actor add ravi --role writer
show --data office append document/plan write '{"edits": [[0, 0, "The plan: tea at four."]]}'

say '2. Asha and Ravi each join with a device of their own, with its own key, and go offline.'
quiet "$reaktor" --data office invite asha asha.invite
quiet "$reaktor" --data office invite ravi ravi.invite
quiet "$reaktor" --data asha init --join asha.invite
quiet "$reaktor" --data ravi init --join ravi.invite
before=$(date -u +%Y-%m-%dT%H:%M:%S.999Z)
sleep 1

say '3. Apart, both change the same document and the same profile.'
show --data asha append document/plan write '{"edits": [[17, 4, "five"]]}'
show --data asha append profile/team tag '{"tag": "offline"}'
show --data ravi append document/plan write '{"edits": [[10, 3, "coffee"], [0, 0, "URGENT. "]]}'
show --data ravi append profile/team rename '{"name": "The tea committee"}'
echo "    asha sees  $(text_of asha document/plan)"
echo "    ravi sees  $(text_of ravi document/plan)"

say '4. They meet at the office: each carries a file there, and one back.'
carry asha office
carry ravi office
carry office asha
carry office ravi
for place in office asha ravi; do echo "    $place  $(text_of $place document/plan)  $(text_of $place profile/team)"; done
for entity in document/plan profile/team; do
    a=$(hash_of office $entity) b=$(hash_of asha $entity) c=$(hash_of ravi $entity)
    if [ "$a" != "$b" ] || [ "$a" != "$c" ]; then
        echo "the three do not agree about $entity: this is a bug" >&2
        exit 3
    fi
done
echo '    All three have the same state hash for both.'

say '5. The past is still there: the document as it stood before they met.'
show --data ravi get document/plan --at "$before"
show --data ravi log document/plan

say '6. Everything is sealed, chained and signed, and can be folded again from the first event.'
show --data office verify
show --data office replay

events=$("$reaktor" --data office log --json | wc -l)
cat <<END

What you have seen
    Two offline devices changed one text and one profile at the same time. No change was lost, none needed a
    merge by hand, and three databases ended with equal hashes: $events events, one signed log, a readable past.

Next
    build/reaktor init                                            an account of your own, in ./reaktor-data
    build/reaktor module add examples/modules/profile.json        what a profile is: one JSON file
    build/reaktor append profile/me rename '{"name": "Me"}'       the first event
    build/reaktor get profile/me                                  the state that it folds to
    build/reaktor log                                             the log, from the genesis on
    build/reaktor help                                            every command
END
