# What the tests of the example modules share. A test sources it in the repository, and finds
# itself in a fresh folder with a truth in `truth` that has the module:
#
#     . "$PWD/test/modules_testing.sh"
#     begin asset
#
# Sourced, so its name does not end in _test.sh, and nothing runs it by itself.
root=$PWD
REAKTOR=${REAKTOR:-$root/build/reaktor}
unset REAKTOR_DATA
failed=0

begin() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
    must truth init
    must truth module add "$root/examples/modules/$1.json"
}
ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    failed=1
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2' is not '$3'"; fi; }
has() { case $2 in *"$3"*) ok "$1" ;; *) not_ok "$1: '$3' is not in '$2'" ;; esac }
has_not() { case $2 in *"$3"*) not_ok "$1: '$3' is in '$2'" ;; *) ok "$1" ;; esac }

# many N: a text of so many letters.
many() { printf "%0$1d" 0 | tr 0 x; }

# at FOLDER WORD...: the program with these words.
at() { place=$1; shift; "$REAKTOR" --data "$place" "$@"; }
# must FOLDER WORD...: the same, for what is not itself tested.
must() { at "$@" >out 2>err </dev/null || not_ok "$*: $(cat err)"; }
state() { at "$1" get "$2" --json | sed 's/.*"state":\(.*\),"hash".*/\1/'; }
hash() { at "$1" get "$2" --json | sed 's/.*"hash":"\([0-9a-f]*\)".*/\1/'; }
# How many events the log shows, and where it ends: some events are not shown to everybody.
length() { echo "$(at "$1" log --json | wc -l) $(at "$1" get actor/owner --json | sed 's/.*"position":\([0-9]*\).*/\1/')"; }

# does TITLE WORD...: accepted by the truth.
does() {
    title=$1
    shift
    if at truth "$@" >out 2>err </dev/null; then ok "$title"; else not_ok "$title: $(cat err)"; fi
}
# refuses TITLE CODE TEXT WORD...: refused by the truth with this code and text, and the log is as long as before.
refuses() {
    title=$1 code=$2 text=$3
    shift 3
    before=$(length truth)
    at truth "$@" --json >out 2>err </dev/null
    status=$?
    case "$status $(cat err)" in
    '1 {"error":"'"$code"'","what":"'*"$text"*) ok "$title" ;;
    *) not_ok "$title: exit code $status, $(cat out err)" ;;
    esac
    is "... and the log has not grown" "$(length truth)" "$before"
}

# device NAME [ROLE]: an actor and the device that it acts on, both of that name.
device() {
    must truth actor add "$1" ${2:+--role "$2"}
    must truth invite "$1" "$1.invite"
    must "$1" init --join "$1.invite"
}
# carry FROM TO
carry() {
    must "$1" export parcel
    must "$2" import parcel
}
# sound FOLDER...: what was written verifies and replays.
sound() {
    for place in "$@"; do
        if at "$place" verify >out 2>err && at "$place" replay >out 2>err; then ok "$place is sound"; else
            not_ok "$place is sound: $(cat out err)"
        fi
    done
}
