#!/bin/sh
# The command line from outside: every command, its output for people and for programs, each exit code, and what is
# refused. Each check prints `ok - text` or `not ok - text`.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
REAKTOR=${REAKTOR:-$root/build/reaktor}
shared=${REAKTOR_SHARED:-$root/../shared/data}
modules=$root/examples/modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset REAKTOR_DATA
failed=0

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    sed 's/^/# out: /' out
    sed 's/^/# err: /' err
    failed=1
}
# run CODE TITLE WORD...: the program with these words, its exit code held against CODE.
run() {
    wanted=$1 title=$2
    shift 2
    "$REAKTOR" "$@" >out 2>err </dev/null
    code=$?
    if [ $code = "$wanted" ]; then ok "$title"; else not_ok "$title (exit code $code, not $wanted)"; fi
}
# says TITLE PATTERN: standard output has a line that matches.
says() { if grep -Eq -- "$2" out; then ok "$1"; else not_ok "$1"; fi; }
# tells TITLE PATTERN: standard error has one.
tells() { if grep -Eq -- "$2" err; then ok "$1"; else not_ok "$1"; fi; }
# silent TITLE FILE
silent() { if [ ! -s "$2" ]; then ok "$1"; else not_ok "$1"; fi; }
# lines TITLE N: standard output has so many lines.
lines() { if [ "$(wc -l <out)" = "$2" ]; then ok "$1"; else not_ok "$1"; fi; }
hash_of() { "$REAKTOR" --data "$1" get "$2" --json | sed 's/.*"hash":"//; s/".*//'; }

# --- help and usage ---

run 2 "no command is a usage error"
tells "which says so" '^reaktor: usage: no command is given$'
tells "and hints at the help" '^  hint: see `reaktor help`$'
run 0 "help" help
for command in init invite 'actor add' 'actor list' 'module check' 'module add' 'module list' 'module show' append get log query \
    expr export import pending replay verify; do
    says "the help lists $command" "^  $command "
done
run 0 "--help is the same" --help
cp out help
run 0 "help of one command" help append
says "it shows an example" '^example$'
run 0 "help of a command of two words" help actor add
run 0 "help of a group" help module
says "which shows all of it" '^reaktor module show'
run 0 "--help after a command" get --help
run 0 "--version" --version
says "prints the version" '^reaktor [0-9]+\.[0-9]+\.[0-9]+$'
run 2 "an unknown command" nonsense
run 2 "an unknown option" log --nonsense
tells "shows the usage" 'hint: usage: reaktor log \[MODULE/ID\]'
run 2 "a missing argument" export
run 2 "a spare argument" verify now
run 2 "an option's missing value" get a/b --at
run 2 "a number that is none" log --limit many
run 2 "a usage error as JSON" --json nonsense
tells "is one object" '^\{"error":"usage","what":".*","where":"","hint":".*"\}$'
silent "and leaves standard output alone" out

# --- init ---

run 1 "without a database commands are refused" log
tells "by name" '^reaktor: no_database: '
tells "with the place" '^  where: \./reaktor-data$'
run 0 "init" init --account shop
says "prints the account's id" '^id +[0-9a-f]{64}$'
says "and the owner" 'owner'
if [ "$(stat -c %a reaktor-data/keys)" = 700 ]; then ok "DATA/keys is closed"; else not_ok "DATA/keys is closed"; fi
if [ "$(stat -c %a reaktor-data/keys/* | sort -u)" = 600 ]; then ok "keys are closed"; else not_ok "keys are closed"; fi
run 1 "a second init is refused" init
tells "by name" 'database_exists'
run 0 "and harms nothing" verify
run 3 "a folder that cannot be made is an I/O error" init --data /proc/nowhere/db
run 1 "a name that is none is refused" init --data other --account ''
if [ ! -e other ]; then ok "and the folder is gone again"; else not_ok "and the folder is gone again"; fi
run 2 "--join and --account exclude each other" init --join f --account x --data other
run 0 "init --json" --json init --data second
says "prints one object" '^\{"account":"default","id":"[0-9a-f]{64}","log":"[0-9a-f]{32}","truth":true,"actor":"owner","folder":".*/second"\}$'
export REAKTOR_DATA=$work/third
run 0 "REAKTOR_DATA names the folder" init
unset REAKTOR_DATA
if [ -f third/log.db ]; then ok "and it is there"; else not_ok "and it is there"; fi

# --- modules ---

run 0 "module check needs no database" module check "$modules/profile.json" --data nowhere
says "it says what is mergeable and touched" '^    tag +mergeable +insert into tags '
says "and who may" 'actor.id == entity.id'
run 0 "module check --json" module check "$modules/document.json" --json
says "prints one object" '^\{"ok":true,"module":"document","version":1,.*"kind":"mergeable".*"findings":\[\]\}$'
run 3 "module check of a file that is not there" module check none.json
cat >bad.json <<'END'
{"module": "bad", "version": 1, "truth": "region", "fields": {"n": {"type": "integer", "merge": "lww", "maximum": 3}, "m": {"type": "strong"}},
 "events": {"e": {"apply": [{"set": "none", "to": "1"}]}}}
END
run 1 "module check of a bad module" module check bad.json
says "points at each finding" '^bad.json#/fields/m'
says "all of them" '^bad.json#/events/e'
run 1 "as JSON" module check bad.json --json
says "with pointers" '"findings":\[\{"pointer":"/[^"]*","code":"[a-z_]+","message":".+","hint":'
echo '{"module": "m", "version": 1, "truth": "edge", "fields": {"a": {"type": "string", "merge": "lww"}}, "events": {}}' >edge.json
run 1 "the truth's tier must exist" module add edge.json
tells "by name" '^reaktor: tier_missing'
echo '{"module": "m", "version": 1, "truth": "region", "fields": {"a": {"type": "string", "merge": "lww", "personal": true}}, "events": {}}' >personal.json
run 1 "personal fields wait for keys" module add personal.json
tells "by name" '^reaktor: not_yet'
printf '{"module": "m",\n "module": "n"}' >doubled.json
run 1 "doubled keys in a module" module add doubled.json
tells "with the place" '^  where: doubled.json: line 2, column'
run 0 "module add" module add "$modules/profile.json"
run 0 "module add of another" module add "$modules/document.json" --json
says "prints the event" '"entity":"module/document","type":"publish"'
run 1 "the same version again is refused" module add "$modules/profile.json"
run 0 "module list" module list
says "lists what is published" '^profile@1 +region'
says "and what is built in" '^actor@1 +built in'
run 0 "module list --json" module list --json
says "prints an object a line" '^\{"module":"profile","version":1,"truth":"region","builtin":false,"description":"'
run 0 "module show" module show profile
says "shows fields" '^    tags +string +or-set$'
run 0 "module show of a version" module show profile@1 --json
says "prints its source" '"module":"profile"'
run 1 "module show of a missing version" module show profile@2
run 1 "module show of a missing module" module show none
tells "by name" 'unknown_module'
run 2 "module show of what is no version" module show profile@x
sed 's/"version": 1/"version": 2/; s/"merge": "g-counter"/"merge": "pn-counter"/' "$modules/profile.json" >changed.json
run 1 "a version may not change a field's merge" module add changed.json
tells "by name" 'module_change'

# --- append ---

run 0 "append" append profile/ann rename '{"name": "Ann"}'
says "prints the event" ' profile/ann +rename +\{"name":"Ann"\}$'
run 0 "append --json" append profile/ann tag '{"tag": "x"}' --json
says "prints its place" '^\{"id":"[0-9A-Z]{26}","position":[0-9]+,"version":2,"entity":"profile/ann","type":"tag","actor":"owner","time":"20[0-9-]+T[0-9:]+\.[0-9]{3}Z","data":\{"tag":"x"\}\}$'
first=$(sed 's/.*"id":"//; s/".*//' out)
run 0 "append without data" append profile/ann view
echo '{"tag": "y"}' >data.json
run 0 "append with data from a file" append profile/ann tag @data.json
run 3 "a data file that is not there" append profile/ann tag @none.json
run 1 "bad JSON" append profile/ann rename '{"name": }'
tells "by name" '^reaktor: bad_json: '
tells "with line and column" '^  where: DATA: line 1, column [0-9]+$'
run 1 "doubled keys" append profile/ann rename '{"name": "a", "name": "b"}'
tells "by name" 'bad_json'
run 1 "a lone surrogate" append profile/ann rename '{"name": "\ud800"}'
tells "by name" 'bad_json'
for number in 1e400 0.10000000000000000001 9223372036854775808 -0.1e-400; do
    run 1 "the number $number" append profile/ann restock "{\"by\": $number}"
    tells "by name" 'bad_json'
done
run 1 "a number that is no integer" append profile/ann restock '{"by": 1.5}'
tells "by name" 'bad_data'
run 1 "data that is no object" append profile/ann rename '[]'
run 1 "a missing field" append profile/ann rename
tells "by name" 'bad_data'
run 1 "a spare field" append profile/ann rename '{"name": "a", "more": 1}'
run 1 "an unknown module" append nothing/ann rename '{}'
tells "by name" 'unknown_module'
run 1 "an unknown event type" append profile/ann dance
tells "by name" 'unknown_event_type'
run 1 "an entity that is none" append profile rename '{"name": "a"}'
tells "by name" 'bad_id'
run 1 "another version than expected" append profile/ann view --expect 3
tells "by name" 'version_conflict'
run 0 "the expected version" append profile/ann view --expect 4
run 1 "--expect 0 of what is there" append profile/ann view --expect 0
run 0 "--expect 0 of what is not" append profile/new view --expect 0
run 1 "--as without a key" append profile/ann view --as nobody
tells "by name" '^reaktor: no_key'
run 1 "a refusal as JSON" append profile/ann view --as nobody --json
tells "is one object" '^\{"error":"no_key","what":".+","where":".+","hint":".+"\}$'
silent "on standard error alone" out
run 1 "words that are no UTF-8" append "profile/$(printf '\377')" view
run 2 "append without anything" append

cat >batch.jsonl <<'END'
{"entity": "profile/bob", "type": "rename", "data": {"name": "Bob"}, "expect": 0}
{"entity": "profile/ann", "type": "befriend", "data": {"friend": "bob"}}
{"entity": "profile/bob", "type": "view"}
END
run 0 "append --batch" append --batch batch.jsonl --json
lines "prints an object for each event" 3
run 1 "the same again is refused whole" append --batch batch.jsonl
tells "naming file and line" '^  where: batch.jsonl, line 1'
tells "by name" 'version_conflict'
printf '{"entity": "profile/c", "type": "view"}\n{"entity": "profile/c", "type": "view", "data": 1}\n' >batch2.jsonl
run 1 "a bad line" append --batch batch2.jsonl
tells "is named" '^  where: batch2.jsonl, line 2'
printf '{"entity": "profile/c", "type": "view"}\n{"entity": "profile/c", "type": "dance"}\n' >batch3.jsonl
run 1 "a refused line" append --batch batch3.jsonl
tells "is named" '^  where: batch3.jsonl, line 2'
run 1 "and nothing of it was kept" get profile/c
tells "by name" 'not_found'
printf '{"entity": "profile/c", "type": "view", "surprise": 1}\n' >batch4.jsonl
run 1 "an unknown member" append --batch batch4.jsonl
: >empty.jsonl
run 1 "an empty batch" append --batch empty.jsonl
printf '{"entity": "profile/stdin", "type": "view"}\n' | "$REAKTOR" append --batch - >out 2>err
says "a batch from standard input" 'profile/stdin'
run 2 "--batch with arguments" append profile/ann view --batch batch.jsonl

# --- get and log ---

run 0 "get" get profile/ann
says "prints the state" '^  "name": "Ann",$'
says "and the version" '^profile/ann  version 6, at position [0-9]+ of the log$'
run 0 "get --json" --json get profile/ann
says "prints one object" '^\{"entity":"profile/ann","version":6,"pending":0,"seen":\[\{"log":"[0-9a-f]{32}","epoch":1,"position":[0-9]+\}\],"state":\{.*"views":2.*\},"hash":"[0-9a-f]{64}"\}$'
run 0 "get at a version" get profile/ann --at 1
if grep -q '"x"' out; then not_ok "shows the state of then"; else ok "shows the state of then"; fi
run 0 "get at an event" get profile/ann --at "$first"
says "includes it" '"x"'
run 0 "get at a time" get profile/ann --at "$(date -u +%Y-%m-%dT%H:%M:%SZ -d '+1 hour')"
run 1 "get before it was there" get profile/ann --at 2001-01-01
tells "by name" 'not_found'
run 1 "get at what is nothing" get profile/ann --at yesterday
tells "by name" 'bad_time'
run 1 "get of what is not there" get profile/nobody
run 1 "get of what is no entity" get nobody
run 0 "log" log
says "shows events" ' owner +profile/ann +rename '
run 0 "log of one entity" log profile/ann
lines "lists its events" 6
run 0 "log --limit" log profile/ann --limit 2 --json
lines "stops there" 2
position=$(sed -n '2s/.*"position":\([0-9]*\).*/\1/p' out)
run 0 "log --after" log profile/ann --after "$position" --json
lines "goes on behind it" 4
run 0 "log past the end" log --after 1000000
silent "is empty" out
"$REAKTOR" log profile/ann --follow --json >followed 2>err &
follower=$!
sleep 1
"$REAKTOR" append profile/ann view >/dev/null
sleep 1
kill -TERM $follower
wait $follower
code=$?
cp followed out
if [ $code = 0 ]; then ok "log --follow ends cleanly when asked to"; else not_ok "log --follow ends cleanly when asked to ($code)"; fi
lines "and has printed what came" 7
"$REAKTOR" log --follow --json 2>err | head -n 1 >out
lines "log --follow ends when nobody reads" 1
silent "without a word" err
run 0 "log --follow --limit ends by itself" log --follow --limit 3
lines "after so many" 3

# --- actors, devices, exchange ---

run 0 "actor add" actor add ann --role writer --role editor
run 1 "an actor is added once" actor add ann
tells "by name" 'require_failed'
run 2 "an actor's kind is one of four" actor add eve --kind ghost
run 1 "an actor needs a name" actor add ''
if [ ! -e reaktor-data/keys/actor-eve.key ]; then ok "no key stays of a refused one"; else not_ok "no key stays of a refused one"; fi
run 1 "who is no admin adds nobody" actor add eve --as ann
tells "by name" 'forbidden'
run 0 "actor add with a strange name" actor add 'Zoë / 1' --kind bot
if [ -e 'reaktor-data/keys/actor-Zo%C3%AB%20%2F%201.key' ]; then ok "keeps its key under an encoded name"; else not_ok "keeps its key under an encoded name"; fi
run 0 "who has a key acts" append profile/ann rename '{"name": "Ann A."}' --as ann
says "under the own name" ' ann +profile/ann'
run 0 "actor list" actor list
says "shows roles" '^ann +user +writer, editor'
run 0 "actor list --json" actor list --json
says "an object a line" '^\{"actor":"ann","kind":"user","roles":\["writer","editor"\],"keys":\{"[0-9a-f]{64}":"active"\},"here":true\}$'

run 0 "invite" invite ann ann.invite
if [ "$(stat -c %a ann.invite)" = 600 ]; then ok "the invitation is closed"; else not_ok "the invitation is closed"; fi
run 1 "invite of nobody" invite nobody no.invite
if [ ! -e no.invite ]; then ok "leaves no file"; else not_ok "leaves no file"; fi
run 3 "init --join with a file that is not there" init --data phone --join none
if [ ! -e phone ]; then ok "leaves no folder"; else not_ok "leaves no folder"; fi
run 0 "export" export all.jsonl
run 1 "init --join with an export" init --data phone --join all.jsonl
tells "by name" 'bad_file'
run 0 "init --join" init --data phone --join ann.invite
says "is a device" 'a device: its truth is elsewhere'
run 0 "a device acts as who joined" append --data phone profile/ann rename '{"name": "Annie"}'
says "and waits for the truth" 'it waits for the truth'
run 0 "pending" pending --data phone
says "lists what waits" '^pending .* ann +profile/ann +rename'
run 0 "pending --json" pending --data phone --json
says "has no position yet" '"position":null,"version":null,'
run 0 "get on a device" get --data phone profile/ann --json
says "counts what is pending" '"pending":1,'
run 1 "a device does not invite" invite ann x.invite --data phone --as ann
tells "by name" 'not_truth'
run 0 "a device exports" export phone.jsonl --data phone
run 0 "the truth imports" import phone.jsonl
says "and judges" '2  transactions accepted$'
run 0 "again" import phone.jsonl --json
says "changes nothing" '"events_new":0,.*"batches_known":2,"transactions_accepted":0'
run 0 "the truth exports" export truth.jsonl
if command -v shuf >/dev/null; then shuf truth.jsonl >shuffled.jsonl; else sort truth.jsonl >shuffled.jsonl; fi
cat truth.jsonl >>shuffled.jsonl
run 0 "a device imports, lines shuffled and doubled" import shuffled.jsonl --data phone
run 0 "nothing waits any more" pending --data phone
says "as it says" '^nothing waits for the truth, and nothing was refused$'
if [ "$(hash_of phone profile/ann)" = "$(hash_of reaktor-data profile/ann)" ]; then ok "both have one state"; else not_ok "both have one state"; fi
"$REAKTOR" export - >piped.jsonl 2>err
if cmp -s truth.jsonl piped.jsonl; then ok "export - writes the same"; else not_ok "export - writes the same"; fi
"$REAKTOR" import - --data phone <piped.jsonl >out 2>err
says "import - reads it" 'commit records that were known'
cat piped.jsonl | "$REAKTOR" import - --data phone >out 2>err
says "from a pipe too" 'commit records that were known'
run 0 "export --after" export later.jsonl --after 10
run 0 "is taken where the rest is known" import later.jsonl --data phone
run 0 "another device" invite ann ann2.invite
run 0 "joins" init --data tablet --join ann2.invite
run 1 "an invitation is used once" init --data tablet --join ann2.invite
run 1 "another account's file" import truth.jsonl --data second
tells "by name" 'wrong_account'
run 1 "a device's file at a device" import phone.jsonl --data tablet
tells "by name" 'from_device'
sed '2s/"frame"/"fr"/' truth.jsonl >broken.jsonl
run 1 "a broken line" import broken.jsonl --data phone
tells "is named" '^  where: broken.jsonl, line 2'
head -n 1 truth.jsonl | sed 's/"to":/"more":1,"to":/' >broken.jsonl
run 1 "an unknown field" import broken.jsonl --data phone
sed -n '2p' truth.jsonl >headless.jsonl
run 1 "a file without a head" import headless.jsonl --data phone
run 3 "export to where nothing can be written" export /proc/x.jsonl
run 3 "export to a folder" export .
run 3 "export to a full disk" export /dev/full
if [ -c /dev/full ]; then ok "a device file stays what it is"; else not_ok "a device file stays what it is"; fi
run 3 "import of a file that is not there" import none.jsonl
"$REAKTOR" log >/dev/full 2>err
code=$?
if [ $code = 3 ]; then ok "a full disk under standard output"; else not_ok "a full disk under standard output ($code)"; fi
tells "is told" '^reaktor: io: '
"$REAKTOR" log >&- 2>err
code=$?
if [ $code = 3 ]; then ok "a closed standard output"; else not_ok "a closed standard output ($code)"; fi

# a refusal that comes back: bob loses his role while his device is away
run 0 "actor add bob" actor add bob --role writer
run 0 "invite bob" invite bob bob.invite
run 0 "bob joins" init --data bob --join bob.invite
run 0 "bob writes" append --data bob document/d write '{"edits": [[0, 0, "hello"]]}'
run 0 "bob loses his role" append actor/bob set-roles '{"roles": []}'
run 0 "bob's device exports" export bob.jsonl --data bob
run 0 "the truth judges" import bob.jsonl
says "and refuses" '1  transactions refused$'
run 1 "nobody sees it" get document/d
run 0 "the answer" export answer.jsonl
run 0 "comes back" import answer.jsonl --data bob
run 0 "pending on bob's device" pending --data bob
says "names the reason" 'forbidden: '
run 1 "and the text is gone there" get document/d --data bob

# --- checks ---

run 0 "replay" replay
says "says that all is well" '0 differing: all as it should be$'
run 0 "replay of one entity" replay profile/ann --json
says "as JSON" '^\{"ok":true,"entities":1,"events":[0-9]+,"states":[0-9]+,"indexed":1,"differing":0\}$'
run 0 "verify" verify
says "says that all is well" '0 findings: all as it should be$'
run 0 "verify --json" verify --json
says "as JSON" '^\{"ok":true,"records":[0-9]+,"batches":[0-9]+,"events":[0-9]+,"pending":0,"findings":0\}$'
run 0 "verify on a device" verify --data phone
cp -a second damaged
printf 'XXXXXXXX' | dd of=damaged/log.db bs=1 seek=9000 conv=notrunc 2>/dev/null
run 3 "verify of damage" verify --data damaged
says "names it" 'log.db'
cp -a reaktor-data copy
run 0 "a copy goes on" append --data copy profile/ann view
tells "and says what it is" '^reaktor: note: '
run 0 "and verifies" verify --data copy
mkdir -p moved
mv phone moved/phone
run 0 "a moved folder is no copy" append --data moved/phone profile/ann view
silent "and says nothing" err

# --- traces ---

printf '%s' '{"endContent": "hello", "numAgents": 2, "txns": [
 {"parents": [], "agent": 0, "patches": [[0, 0, "held"], [3, 1, ""]]},
 {"parents": [0], "agent": 1, "patches": [[3, 0, "o"]]},
 {"parents": [0], "agent": 0, "patches": [[2, 0, "l"]]},
 {"parents": [1, 2], "agent": 1, "patches": []}]}' | gzip >small.json.gz
run 0 "import --trace" import --trace small.json.gz document/small
says "prints figures" '^document/small: 4 events of 2 authors in 4 batches$'
run 0 "its text" get document/small --json
says "is the end content" '"text":"hello"'
run 1 "a trace begins with nothing" import --trace small.json.gz document/small
tells "by name" 'version_conflict'
printf '%s' '{"endContent": "other", "txns": [{"patches": [[0, 0, "text"]]}]}' | gzip >wrong.json.gz
run 3 "a trace with another end" import --trace wrong.json.gz document/wrong
tells "says so" "not the trace's end content"
printf '%s' '{"endContent": "", "numAgents": 2, "txns": [{"agent": 0, "parents": [], "patches": []}, {"agent": 0, "parents": [], "patches": []}]}' | gzip >odd.json.gz
run 1 "an author with two histories" import --trace odd.json.gz document/odd
run 1 "a trace that is no gzip" import --trace bad.json document/odd
run 1 "a trace into a module without text" import --trace small.json.gz actor/x
run 1 "a trace on a device" import --trace small.json.gz document/x --data moved/phone
if [ -r "$shared/traces/friendsforever.json.gz" ]; then
    run 0 "a real trace" import --trace "$shared/traces/friendsforever.json.gz" document/friends --json
    says "with its figures" '"events":26078,"authors":2,'
    run 0 "after it all verifies" verify
    run 0 "and replays" replay
else
    echo "skip - a real trace: $shared/traces is not there"
fi

# --- reading as an actor ---

cat >secret.json <<'JSON'
{"module": "secret", "version": 1, "truth": "region", "fields": {"text": {"type": "string", "merge": "lww"}},
 "events": {"tell": {"data": {"text": {"type": "string"}}, "apply": [{"set": "text", "to": "data.text"}]}},
 "allow": {"read": "actor.id == entity.id", "write": "true"}}
JSON
run 0 "a truth for secrets" init --data secrets
run 0 "a module with a rule for reading" module add secret.json --data secrets
run 0 "an actor" actor add bob --data secrets
run 0 "a secret of bob's" append secret/bob tell '{"text": "psst"}' --data secrets
run 1 "the owner may not read it" get secret/bob --data secrets
tells "by name" '^reaktor: forbidden:'
run 1 "nor its events" log secret/bob --data secrets
run 0 "the whole log" log --json --data secrets
if grep -q psst out; then not_ok "leaves it out"; else ok "leaves it out"; fi
run 0 "bob may" get secret/bob --as bob --data secrets
says "and sees it" psst
run 1 "nobody reads as an actor whose key is not here" get secret/bob --as eve --data secrets
tells "by name" '^reaktor: no_key:'

# --- an init that was ended halfway ---

for delay in 01 02 03 05 08 12 20 35 60; do
    rm -rf halfway
    "$REAKTOR" init --data halfway >out 2>err </dev/null &
    process=$!
    sleep 0.$delay
    kill -9 $process 2>/dev/null
    wait $process 2>/dev/null
    if ! "$REAKTOR" get actor/owner --data halfway >out 2>err; then
        run 0 "init goes on where it was ended after 0.$delay s" init --data halfway
    fi
    run 0 "there is an account" get actor/owner --data halfway
    run 0 "that verifies" verify --data halfway
done
exit $failed
