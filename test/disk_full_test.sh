#!/bin/sh
# A full disk, for real: the server's folder lies on a small file system of its own, which is filled up. Writes are
# refused by name, reads and streams go on, nothing is half done, and with room again everything goes on by itself.
# Needs the right to mount a tmpfs (root, or a user namespace); else it prints `skip`.
set -u
script=$PWD/$0
if [ "${RK_MOUNTED:-}" = "" ]; then
    probe=$(mktemp -d)
    if mount -t tmpfs -o size=64k tmpfs "$probe" 2>/dev/null; then
        umount "$probe"
        rmdir "$probe"
    elif unshare -rm true 2>/dev/null; then
        rmdir "$probe"
        RK_MOUNTED=namespace exec unshare -rm sh "$script"
    else
        rmdir "$probe"
        echo 'skip - a tmpfs cannot be mounted here'
        exit 0
    fi
fi
root=$PWD
work=$(mktemp -d)
mkdir "$work/disk"
mount -t tmpfs -o size=8m tmpfs "$work/disk" || { echo 'skip - a tmpfs cannot be mounted here' && exit 0; }
cd "$work" || exit 1
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN REAKTOR_CREATE
server="" listener=""
clean() {
    kill "$listener" "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    cd / && umount "$work/disk"
    rm -rf "$work"
}
trap clean EXIT

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    [ -f body ] && sed 's/^/    body: /' body | head -c 2000
}
json='Content-Type: application/json'
ask() { # ask STATUS CODE NAME CURL-ARGUMENTS...
    wanted=$1 code=$2 name=$3
    shift 3
    got=$(curl -s -m 30 -o body -w '%{http_code}' -H "$json" "$@")
    if [ "$got" != "$wanted" ]; then
        not_ok "$name (status $got, not $wanted)"
    elif [ "$code" != - ] && ! grep -q "\"code\":\"$code\"" body; then
        not_ok "$name (not $code)"
    else
        ok "$name"
    fi
}
as() { # as TOKEN STATUS CODE NAME PATH [CURL-ARGUMENTS...]
    bearer=$1 wanted=$2 code=$3 name=$4 path=$5
    shift 5
    ask "$wanted" "$code" "$name" -H "Authorization: Bearer $bearer" "$@" "$base/v1/default$path"
}
says() { if grep -qF -- "$2" "${3:-body}"; then ok "$1"; else not_ok "$1 (no $2)"; fi; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "${2:-body}"; }
put() { echo "{\"events\":[{\"entity\":\"note/open\",\"type\":\"add\",\"data\":{\"n\":$1}}]}"; }
r() { "$REAKTOR" --data disk/data "$@"; }
position() { curl -s -H "Authorization: Bearer $owner" "$base/v1/default" | member position -; }
# Bytes for bytes until nothing more fits, then whatever is smaller than a block.
fill() {
    dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null
    dd if=/dev/zero of=disk/filler2 bs=1 count=4096 2>/dev/null
    [ "$(df --output=avail disk | tail -1 | tr -d ' ')" = 0 ] && ok 'the disk is full' || not_ok 'the disk is full'
}
empty() { rm -f disk/filler disk/filler2; }
challenge() { # what the owner answers to a challenge, in the file `answer`
    curl -s -H "$json" -d '{"actor":"owner"}' "$base/v1/default/sessions/challenge" >challenge
    r login owner <challenge >answer 2>err || { cat err && not_ok 'a challenge is answered'; }
}

cat >note.json <<'END'
{"module": "note", "version": 1, "truth": "region", "description": "Numbers.", "fields": {"last": {"type": "integer"}},
 "events": {"add": {"data": {"n": {"type": "integer"}}, "apply": [{"set": "last", "to": "data.n"}]}},
 "allow": {"read": "true", "add": "true"}}
END
r init >/dev/null && r actor add ada >/dev/null && r module add note.json >/dev/null && ok 'an account' || not_ok 'an account'
"$REAKTOR" serve --data disk/data --port 0 --create anyone >serving 2>errors &
server=$!
n=0
while [ ! -s serving ] && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
base=$(sed -n 's/^listening on //p' serving)
owner=$(r token owner) ada=$(r token ada)
as "$ada" 201 - 'an append' /events -d "$(put 1)"
as "$ada" 201 - 'a consumer' /consumers/work -X PUT -d '{"where":"event.module == \"note\"","lease":60000}'
as "$ada" 201 - 'an append for it' /events -d "$(put 2)"
as "$ada" 200 - 'is taken' /consumers/work/take -d '{"limit":1}'
taken=$(sed -n 's/.*"delivery":{"position":\([0-9]*\).*/\1/p' body)
challenge
ask 201 - 'a session' -d @answer "$base/v1/default/sessions"
refresh=$(member refresh)
"$REAKTOR" found request root.key first.key >request 2>/dev/null
ask 202 - 'a draft of an account' -X PUT -d @request "$base/v1/other"
"$REAKTOR" found sign root.key first.key other <body >signed 2>/dev/null
curl -sN -H 'Accept: text/event-stream' -H "Authorization: Bearer $ada" "$base/v1/default/events" >stream 2>/dev/null &
listener=$!
before=$(position)

# ---- full
fill
for n in 1 2 3 4 5 6; do as "$ada" 507 disk_full "append $n" /events -H "Idempotency-Key: k$n" -d "$(put "10$n")"; done
as "$owner" 507 disk_full 'an export, which leaves a trail' /export
as "$ada" 507 disk_full 'a consumer that is changed' /consumers/work -X PUT -d '{"lease":50000}'
as "$ada" 507 disk_full 'an acknowledgement' /consumers/work/ack -d "{\"positions\":[$taken]}"
as "$ada" 507 disk_full 'a take' /consumers/work/take -d '{"limit":1}'
challenge
ask 507 disk_full 'a login' -d @answer "$base/v1/default/sessions"
ask 507 disk_full 'a refresh' -d "{\"refresh\":\"$refresh\"}" "$base/v1/default/sessions/refresh"
ask 507 disk_full 'an account' -X PUT -d @signed "$base/v1/other"
[ ! -e disk/data/accounts/other ] && ok 'nothing is left of it' || not_ok 'nothing is left of it'
r append note/open add '{"n":7}' --as ada >out 2>err
same 'another process is refused, too' $? 3
says 'by name' disk_full err
as "$ada" 200 - 'reads go on' /state/note/open
says 'with what was acknowledged' '"state":{"last":2}'
as "$ada" 200 - 'queries go on' '/query/note'
as "$ada" 200 - 'events go on' '/events?limit=1000'
same 'the log is where it was' "$(position)" "$before"
kill -0 "$listener" 2>/dev/null && ok 'the stream lives' || not_ok 'the stream lives'
kill -0 "$server" && ok 'the server lives' || not_ok 'the server lives'

# ---- room again
empty
as "$ada" 201 - 'an append' /events -H 'Idempotency-Key: k1' -d "$(put 101)"
if grep -q '"again"' body; then not_ok 'that was not done before'; else ok 'that was not done before'; fi
same 'at the next position' "$(member position)" $((before + 1))
for n in 2 3 4 5 6; do as "$ada" 201 - "append $n" /events -H "Idempotency-Key: k$n" -d "$(put "10$n")"; done
same 'nothing is doubled, nothing is lost' "$(position)" $((before + 6))
as "$ada" 200 - 'an acknowledgement' /consumers/work/ack -d "{\"positions\":[$taken]}"
as "$ada" 200 - 'a take' /consumers/work/take -d '{"limit":10}'
same 'gives what came since' "$(grep -o '"n":[0-9]*' body | tr -d '\n')" '"n":2"n":101"n":102"n":103"n":104"n":105"n":106'
challenge
ask 201 - 'a login' -d @answer "$base/v1/default/sessions"
ask 201 - 'an account' -X PUT -d @signed "$base/v1/other"
n=0
while ! grep -q '"n":106' stream && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
same 'the stream has all' "$(grep -o '"n":[0-9][0-9]*' stream | tr -d '\n')" \
    '"n":1"n":2"n":101"n":102"n":103"n":104"n":105"n":106'
r verify >out 2>&1 && ok 'verify finds nothing' || { cat out && not_ok 'verify finds nothing'; }
r replay >out 2>&1 && ok 'replay finds nothing' || { cat out && not_ok 'replay finds nothing'; }

# ---- under load: what was answered 201 is there, what was not is not
load() { # load NAME: appends until told to stop, a line for each answer: status and number
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        code=$(curl -s -m 30 -o /dev/null -w '%{http_code}' -H "$json" -H "Authorization: Bearer $ada" \
            -d "{\"events\":[{\"entity\":\"note/$1\",\"type\":\"add\",\"data\":{\"n\":$n}}]}" "$base/v1/default/events")
        echo "$code $n" >>"$work/load-$1"
    done
}
wait_for() { # wait_for CODE: until each of the loads has seen it anew
    for name in a b; do : >"load-mark-$name" && wc -l <"load-$name" >"load-mark-$name"; done
    for name in a b; do
        n=0
        while ! tail -n "+$(($(cat "load-mark-$name") + 1))" "load-$name" | grep -q "^$1 " && [ "$n" -lt 200 ]; do
            n=$((n + 1))
            sleep 0.1
        done
    done
}
: >load-a && : >load-b
load a &
one=$!
load b &
two=$!
wait_for 201
fill
wait_for 507
empty
wait_for 201
fill
wait_for 507
empty
wait_for 201
: >stop
wait "$one" "$two"
for name in a b; do
    grep -q '^507' "load-$name" && ok "$name was refused for a while" || not_ok "$name was refused for a while"
    same "$name met nothing else" "$(cut -d' ' -f1 "load-$name" | sort -u | tr '\n' ' ')" '201 507 '
    r log "note/$name" --json | grep -o '"n":[0-9]*' | sed 's/.*://' >there
    same "what $name was acknowledged is there, and nothing else" "$(cat there)" "$(sed -n 's/^201 //p' "load-$name")"
done
kill "$server"
wait "$server"
same 'the server stops well' $? 0
r verify >out 2>&1 && ok 'verify finds nothing' || { cat out && not_ok 'verify finds nothing'; }
says 'at all' 'all as it should be' out
