#!/bin/sh
# The command `query` from outside: rows for people and programs, pages, explanations, refusals, permission, a device
# with pending events, a version that adds an index, and an index row that somebody changed with another tool.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
REAKTOR=${REAKTOR:-$root/build/reaktor}
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
    "$REAKTOR" --data "$data" "$@" >out 2>err </dev/null
    code=$?
    if [ $code = "$wanted" ]; then ok "$title"; else not_ok "$title (exit code $code, not $wanted)"; fi
}
says() { if grep -Eq -- "$2" out; then ok "$1"; else not_ok "$1"; fi; }
silent() { if grep -Eq -- "$2" out; then not_ok "$1"; else ok "$1"; fi; }
tells() { if grep -Eq -- "$2" err; then ok "$1"; else not_ok "$1"; fi; }
# ids TITLE "ID ID...": the ids of the JSON rows, in order
ids() {
    found=$(sed -n 's/^{"id":"\([^"]*\)".*/\1/p' out | tr '\n' ' ')
    if [ "$found" = "$2" ]; then ok "$1"; else not_ok "$1: '$found'"; fi
}
add() { "$REAKTOR" --data "$data" append "$@" >/dev/null 2>err || not_ok "append $*"; }

cat >person.json <<'END'
{"module": "person", "version": 1, "truth": "region",
 "fields": {"name": {"type": "string", "merge": "lww", "index": true}, "age": {"type": "integer", "merge": "lww"},
            "city": {"type": "string", "merge": "lww", "index": true},
            "tags": {"type": "string", "merge": "or-set", "index": true}, "note": {"type": "string", "merge": "rga"}},
 "events": {
  "put": {"data": {"name": {"type": "string"}, "city": {"type": "string"}},
          "apply": [{"set": "name", "to": "data.name"}, {"set": "city", "to": "data.city"}]},
  "grow": {"data": {"age": {"type": "integer"}}, "apply": [{"set": "age", "to": "data.age"}]},
  "tag": {"data": {"tag": {"type": "string"}}, "apply": [{"insert": "tags", "value": "data.tag"}]},
  "write": {"data": {"edits": {"type": "array"}}, "apply": [{"splice": "note", "edits": "data.edits"}]}},
 "allow": {"read": "!(has(state.city) && state.city == 'hidden') || actor.id == 'owner'", "write": "true"}}
END
sed 's/"version": 1/"version": 2/; s/"age": {"type": "integer", "merge": "lww"}/"age": {"type": "integer", "merge": "lww", "index": true}/' \
    person.json >person2.json

data=truth
run 0 "init" init
run 0 "a module with indexes is published" module add person.json
add person/ann put '{"name":"Ann","city":"Pune"}'
add person/bob put '{"name":"Bob","city":"Delhi"}'
add person/cat put '{"name":"Cat","city":"Pune"}'
add person/dan grow '{"age":4}'
add person/eve put '{"name":"Eve","city":"hidden"}'
add person/ann grow '{"age":30}'
add person/bob grow '{"age":7}'
add person/bob tag '{"tag":"vip"}'
add person/ann write '{"edits":[[0,0,"two\nlines, and many more words than a column of a table is wide"]]}'

# --- rows ---

run 0 "all rows" query person
says "a table has a head" '^id +version +age +city +name +note +tags$'
says "and a row for each entity" '^bob +3 +7 +Delhi +Bob +\["vip"\]$'
says "a text with a line end stays on its line, cut" '"two\\nlines, and .*…'
run 0 "rows as JSON" query person --json
ids "by id" "ann bob cat dan eve "
says "each an object" '^\{"id":"dan","version":1,"pending":0,"state":\{"age":4,"note":"","tags":\[\]\}\}$'
run 0 "a filter" query person --where 'state.city == "Pune"' --json
ids "finds what it says" "ann cat "
run 0 "prefixes, elements, and what no index knows" query person --json \
    --where 'state.name.startsWith("B") && "vip" in state.tags && state.age > 1 && entity.id == "bob"'
ids "together" "bob "
run 0 "an order" query person --order -age --json
ids "descending, the absent last" "ann bob dan cat eve "
run 0 "an order of two" query person --order=city,-name --json
ids "the second where the first is equal" "bob cat ann eve dan "
run 0 "selected fields" query person --select name --where 'entity.id == "ann"' --json
says "are the only ones" '^\{"id":"ann","version":3,"pending":0,"state":\{"name":"Ann"\}\}$'
run 0 "no row" query person --where 'state.age == 99'
says "is a head alone" '^id +version'
run 0 "--as" query person --where 'actor.id == "owner"' --json
ids "is who reads" "ann bob cat dan eve "

# --- pages ---

run 0 "a page" query person --order name --limit 2 --json
ids "has as many rows as it may" "ann bob "
cursor=$(sed -n 's/^{"next":"\([^"]*\)"}$/\1/p' out)
run 0 "the next one" query person --order name --limit 2 --json --after "$cursor"
ids "goes on behind it" "cat eve "
cursor2=$(sed -n 's/^{"next":"\([^"]*\)"}$/\1/p' out)
run 0 "the last one" query person --order name --limit 2 --json --after "$cursor2"
ids "has the rest" "dan "
silent "and no cursor" next
run 0 "a page for people" query person --limit 1
says "ends with the cursor" '^next: [-A-Za-z0-9_]+$'
run 1 "a cursor of another order" query person --order city --after "$cursor"
tells "is refused" 'bad_cursor: the cursor is of a query with another order'
run 1 "a cursor that is none" query person --after nonsense
tells "as well" 'bad_cursor: this is no cursor'

# --- explanations ---

run 0 "--explain" query person --where 'state.city == "Pune" && state.age > 1' --explain
says "prints the SQL with its values" '^sql .*FROM index_row .*i.key >= x.3050756e65.'
says "the index" '^index   city$'
says "what it narrowed" '^filter  by index and CEL: state.city == "Pune"$'
says "what only CEL decides" '^filter  by CEL alone: state.age > 1$'
says "how many were read" '^read    2 entities; CEL decided 2 of them; 1 rows$'
says "and on which the filter failed" '^failed .* on 1 of them.*person/cat: .*no such key: age$'
silent "and no row" '^ann'
run 0 "an order along an index" query person --order -name --limit 2 --explain
says "says so" '^order   from the index'
run 0 "--explain --json" query person --where 'state.age > 1' --explain --json
says "is one object" '^\{"sql":\[.*"index":null,"index_complete":true.*"read":5,"decided":5,"rows":3,"failed":2.*\}$'

# --- refusals ---

run 1 "an unknown field in the filter" query person --where 'state.nam == "x"'
tells "is refused with its column" 'where: --where: column 7'
run 1 "a type error" query person --where 'state.age == "x"'
tells "as well" 'bad_expression'
run 1 "a filter that is no bool" query person --where 'state.age'
tells "says what it gives" 'gives int where bool is wanted'
run 1 "an order by a set" query person --order tags
tells "has a name" '"tags" is a list\(string\), which has no order'
run 1 "an unknown field to order by" query person --order nam
run 1 "an unknown field to select" query person --select nam
run 1 "an unknown module" query nobody
run 2 "a limit of 0" query person --limit 0
run 2 "an empty list" query person --order name,,city

# --- permission ---

run 0 "another actor" actor add ann
run 0 "reads" query person --as ann --json
ids "without what the rule hides" "ann bob cat dan "
run 0 "counts" query person --as ann --where 'state.name >= "A"' --explain
says "do not have it" '^read    3 entities; CEL decided 3 of them; 3 rows$'
run 0 "a filter that only it matches" query person --as ann --where 'state.city == "hidden"' --explain
says "finds nothing" '^read    0 entities; CEL decided 0 of them; 0 rows$'

# --- a version that adds an index ---

run 0 "replay compares index rows" replay
says "of each entity of the module" '5 indexed'
run 0 "a version with one more index" module add person2.json
run 0 "is used at once" query person --where 'state.age == 7' --explain
says "for what was there before" '^index   age$'
says "and finds it" '1 rows$'
run 0 "replay" replay
says "compares it too" '5 indexed, 0 differing'

# --- a device ---

run 0 "an invitation" invite ann ann.invite
data=phone
run 0 "a device" init --join ann.invite
"$REAKTOR" --data phone export up.jsonl >/dev/null 2>&1
"$REAKTOR" --data truth import up.jsonl >/dev/null 2>&1
"$REAKTOR" --data truth export down.jsonl >/dev/null 2>&1
run 0 "that knows the log" import down.jsonl
run 0 "has its own index" query person --where 'state.age == 7' --json
ids "of it" "bob "
add person/bob grow '{"age":8}'
add person/new grow '{"age":7}'
run 0 "pending events" query person --where 'state.age == 7' --json
ids "count, whatever the index says" "new "
says "and show" '^\{"id":"new","version":0,"pending":1,'
run 0 "in an order along the index too" query person --order -age --limit 3 --json
ids "they have their place" "ann bob new "
run 0 "replay on the device" replay

# --- an index row that was changed ---

data=truth
sqlite3 truth/log.db "UPDATE index_row SET key = x'3058' WHERE field = (SELECT field FROM index_field
    WHERE name = CAST('city' AS BLOB)) AND key = CAST('0Delhi' AS BLOB)"
run 3 "replay of a changed index row" replay
says "names entity and field" '^person/bob: its index rows for the field "city" are not what its state says$'
exit $failed
