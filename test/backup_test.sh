#!/bin/sh
# Backups: a truth goes on from its backup, with every state as it was; devices that know later events roll back to it
# and offer their own again; what is damaged or no backup is refused, and leaves nothing.
set -u
root=$PWD
work=$(mktemp -d)
cd "$work" || exit 1
unset REAKTOR_DATA
trap 'rm -rf "$work"' EXIT

ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; }
on() { # on FOLDER ARGUMENTS...
    folder=$1
    shift
    "$REAKTOR" --data "$folder" "$@"
}
check() { if "$@" >out 2>err; then ok "$name"; else not_ok "$name: $(cat err)"; fi; }
refuses() { # refuses CODE NAME COMMAND...
    code=$1 name=$2
    shift 2
    if "$@" >out 2>err; then not_ok "$name (it did not)"; elif grep -q "$code" err; then ok "$name"; else not_ok "$name: $(cat err)"; fi
}

name='a truth with a device'
make_truth() {
    on truth init && on truth actor add a && on truth actor add b && on truth module add "$root/examples/modules/coin.json" &&
        on truth module add "$root/examples/modules/profile.json" && on truth append coin/inr create '{"supply":1000}' --as a &&
        on truth append profile/a rename '{"name":"Ann"}' --as a && on truth invite a a.invite && on phone init --join a.invite &&
        on phone append coin/inr burn '{"amount":600}' --as a && on truth append coin/inr burn '{"amount":900}' --as a && on phone export up && on truth import up
}
make_truth >/dev/null 2>&1
on truth get coin/inr --json >before
name='it is backed up'
check on truth backup one.backup
[ "$(stat -c %a one.backup)" = 600 ] && ok 'for its owner alone' || not_ok 'for its owner alone'
grep -q '"frame":"verdict"' one.backup && ok 'with what was refused' || not_ok 'with what was refused'
on truth append coin/inr burn '{"amount":1}' --as a >/dev/null
on truth export down >/dev/null && on phone import down >/dev/null && on phone append profile/a tag '{"tag":"late"}' --as a >/dev/null

name='it is restored'
check on new restore one.backup
grep -q 'every state is what it was' out && ok 'with every state' || not_ok 'with every state'
on new get coin/inr --json >after
cmp -s before after && ok 'a state is what it was, with its hash' || not_ok 'a state is what it was'
name='it verifies'
check on new verify
name='and replays'
check on new replay
[ "$(on new log --json | wc -l)" = "$(($(on truth log --json | wc -l) - 1))" ] && ok 'the log ends where the backup was made' ||
    not_ok 'the log ends where the backup was made'
name='it writes'
check on new append coin/inr burn '{"amount":7}' --as a
grep -q 'new epoch' err && ok 'in a new epoch' || not_ok 'in a new epoch'
on new export down2 >/dev/null
name='the device rolls back to it'
check on phone import down2
on phone export up2 >/dev/null
name='and offers its own again'
check on new import up2
on new export down3 >/dev/null && on phone import down3 >/dev/null
on new get profile/a --json >t && on phone get profile/a --json >d
grep -q late t && cmp -s t d && ok 'both have one state' || not_ok 'both have one state'
name='it verifies still'
check on new verify

refuses database_exists 'a folder that is not empty' on truth restore one.backup
refuses bad_file 'an export is no backup' on other restore down
[ ! -e other ] && ok 'and leaves nothing' || not_ok 'and leaves nothing'
refuses bad_file 'a backup is no export' on truth import one.backup
refuses bad_file 'a device does not join it' on other init --join one.backup
sed 's/\("frame":"state","entity":"coin.inr".*"hash":"\)[0-9a-f]/\1x/' one.backup | sed 's/"hash":"x/"hash":"0/' >bad
cmp -s one.backup bad && sed 's/\("frame":"state","entity":"coin.inr".*"hash":"\)0/\11/' one.backup >bad
refuses corrupt 'a state with another hash' on other restore bad
[ ! -e other ] && ok 'and leaves nothing' || not_ok 'and leaves nothing'
grep -v '"frame":"state","entity":"coin/inr"' one.backup >bad
refuses corrupt 'a state that is missing' on other restore bad
grep -v '"owner":"truth"' one.backup >bad
refuses bad_file 'without the key of the truth' on other restore bad
sed 's/"owner":"truth","actor":"","seed":"../"owner":"truth","actor":"","seed":"00/' one.backup >bad
cmp -s one.backup bad && sed 's/"owner":"truth","actor":"","seed":"../"owner":"truth","actor":"","seed":"01/' one.backup >bad
refuses no_key 'with another key' on other restore bad
grep -v '"frame":"commit".*"number":4,' one.backup >bad
refuses record_gap 'without a record' on other restore bad
[ ! -e other ] && ok 'nothing is left of any' || not_ok 'nothing is left of any'
refuses not_truth 'a device is not backed up' on phone backup two.backup
[ ! -e two.backup ] && ok 'and no file is made' || not_ok 'and no file is made'
