#!/bin/sh
# `module check` from outside: every finding of a bad file, what it understood of a good one, and the cases of JSON
# Schema. Each check prints `ok - text` or `not ok - text`.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
REAKTOR=${REAKTOR:-$root/build/reaktor}
shared=${REAKTOR_SHARED:-$root/../shared/data}
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
run() {
    wanted=$1 title=$2
    shift 2
    "$REAKTOR" "$@" >out 2>err </dev/null
    code=$?
    if [ $code = "$wanted" ]; then ok "$title"; else not_ok "$title (exit code $code, not $wanted)"; fi
}
says() { if grep -Eq -- "$2" out; then ok "$1"; else not_ok "$1"; fi; }
ends() { if [ "$(tail -n 1 out)" = "$2" ]; then ok "$1"; else not_ok "$1"; fi; }

# --- findings ---

cat >bad.json <<'END'
{"module": "bad", "version": 1, "truth": "region",
 "fields": {"a": {"type": "string", "pattern": "\\p{L}"}, "b": {"type": "string", "format": "hostname"},
            "c": {"type": "integer", "minimum": 3, "maximum": 2}, "d": {"type": "string", "enum": ["x", 1]},
            "e": {"type": "object", "index": true}, "f": {"type": "string", "ref": "Not A Module"},
            "g": {"type": "string", "merge": "rga", "maxLength": 3}, "h": {"type": "array", "items": {"$ref": "#"}}},
 "events": {"e": {"require": [{"that": "1 == 2", "else": "never"}, {"that": "entity.exists", "else": "too late"}],
                  "apply": [{"set": "c", "to": "'text'"}]}}}
END
run 1 "a bad module" module check bad.json
for place in a/pattern b/format c/minimum d/enum/1 e/index f/ref g h/items/\\\$ref; do
    says "a finding at /fields/$place" "^bad.json#/fields/$place\$"
done
says "a guard that is never true" '^bad.json#/events/e/require/0/that$'
says "one that is never asked" '^bad.json#/events/e/require/1/that$'
says "an expression of another type" '^bad.json#/events/e/apply/0/to$'
says "each with a message" '^    bad_module: there is no such format$'
says "and a hint" '^    hint: known here: date-time, date, time, email, uuid, uri, ipv4, ipv6$'
run 1 "the same for programs" module check bad.json --json
says "every finding" '"pointer":"/fields/a/pattern".*"pointer":"/events/e/apply/0/to"|"pointer":"/events/e/apply/0/to".*'

# --- what was understood ---

cat >good.json <<'END'
{"module": "good", "version": 1, "truth": "region",
 "fields": {"owner": {"type": "string", "ref": "person", "edge": "OWNS", "index": true, "format": "email"},
            "tags": {"type": "string", "merge": "or-set", "pattern": "^[a-z]+$"},
            "lists": {"type": "array", "items": {"type": "integer"}, "uniqueItems": true},
            "state": {"enum": ["open", "closed"], "merge": "lww"}, "maybe": {"type": ["integer", "null"]}},
 "events": {"tag": {"data": {"tag": {"type": "string"}}, "apply": [{"insert": "tags", "value": "data.tag"}]},
            "give": {"data": {"to": {"type": "string"}, "lists": {"type": "array", "items": {"type": "integer"}}},
                     "require": [{"that": "!entity.exists", "else": "it is there"}],
                     "apply": [{"set": "owner", "to": "data.to"}, {"set": "lists", "to": "data.lists"}]}},
 "allow": {"give": "'admin' in actor.roles"}}
END
run 0 "a good module" module check good.json
says "the fields have heads" '^    field +type +merge +index +refers to$'
says "a field's type, merge, index and reference" '^    owner +string +none: ordered events only +yes +person, edge OWNS$'
says "the type of items" '^    lists +array of integer +none'
says "the type of an enum" '^    state +string +lww$'
says "each of several types" '^    maybe +null or integer '
says "an event's kind, why, what it touches and who may" \
    "^    give +ordered: it writes a field without \"merge\" +set owner, set lists +'admin' in actor.roles\$"
says "who may where no rule says" '^    tag +mergeable +insert into tags +every member of the account$'
if command -v script >/dev/null 2>&1; then
    script -qec "stty cols 72; '$REAKTOR' module check good.json" /dev/null >out 2>err </dev/null
    if [ "$(awk '{ sub(/\r$/, ""); if (length($0) > 72) long++ } END { print long + 0 }' out)" = 0 ]; then
        ok "the tables fit the terminal"
    else
        not_ok "the tables fit the terminal"
    fi
    says "a long cell goes on below" '^ +"merge"'
else
    echo "skip the terminal's width: script is not installed"
fi
run 0 "for programs" module check good.json --json
says "fields" '"field":"owner","type":"string","merge":"none","index":true,"ref":"person","edge":"OWNS"'
says "events" '"type":"tag","kind":"mergeable","why":"","touches":\[\{"does":"insert","field":"tags"\}\]'

# --- data ---

run 0 "a database" init
run 0 "with the module" module add good.json
run 0 "1.0 is an integer" append good/x give '{"to": "a@b.c", "lists": [1.0, 2]}'
run 0 "which is kept as one" get good/x --json
says "without a point" '\[1,2\]'
run 1 "1 and 1.0 are equal" append good/y give '{"to": "a@b.c", "lists": [1.0, 1]}'
run 1 "a format is asserted" append good/y give '{"to": "nobody", "lists": []}'
run 1 "a pattern too" append good/x tag '{"tag": "No"}'
run 1 "a whole number past 64 bits" append good/y give '{"to": "a@b.c", "lists": [1e30]}'
if grep -q '^reaktor: overflow' err; then ok "is an overflow"; else not_ok "is an overflow"; fi

# --- cases of JSON Schema ---

cat >cases.json <<'END'
[{"description": "numbers", "schema": {"type": "integer"},
  "tests": [{"description": "one", "data": 1.0, "valid": true}, {"description": "half", "data": 0.5, "valid": false},
            {"description": "large", "data": 123456789012345678901, "valid": true}]},
 {"description": "references", "schema": {"items": {"$ref": "#"}}, "tests": [{"description": "r", "data": 1, "valid": true}]}]
END
run 0 "cases that pass" module check --schema-cases cases.json
says "refused are counted by word" '^2 refused: a number past 64 bits 1, \$ref 1$'
ends "and the last line counts" '2 passed, 0 failed'
sed 's/"data": 0.5, "valid": false/"data": 0.5, "valid": true/' cases.json >wrong.json
run 1 "a case that fails" module check wrong.json --schema-cases
says "is named" '^not ok - numbers: half: it should fit; refused: it is no integer$'
ends "and counted" '1 passed, 1 failed'
run 1 "for programs" module check wrong.json --schema-cases --json
says "too" '^\{"passed":1,"failed":1,"refused":2,.*"failures":\[\{"group":"numbers","case":"half","valid":true\}\]\}$'
run 1 "what is no file of cases" module check --schema-cases good.json
if [ -d "$shared/json-schema" ]; then
    for file in "$shared"/json-schema/*.json; do
        run 0 "the official $(basename "$file")" module check --schema-cases "$file"
    done
else
    echo "skip the official cases: no $shared/json-schema"
fi
exit $failed
