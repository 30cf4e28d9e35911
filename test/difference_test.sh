#!/bin/sh
# What is different in an entity between two moments, on the command line and over HTTP: texts by their edits, sets by
# their members, everything else before and after; nothing of a hidden field, and nothing to who may not read.
set -u
. "$PWD/test/serve_testing.sh"
trap 'kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
cat >page.json <<'END'
{"module": "page", "version": 1, "truth": "region", "description": "Pages.",
 "fields": {"title": {"type": "string"}, "seen": {"type": "integer", "merge": "pn-counter"},
            "text": {"type": "string", "merge": "rga"}, "tags": {"type": "string", "merge": "or-set"},
            "place": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}},
            "price": {"type": "integer", "read": "actor.id == 'ann'"}},
 "events": {"name": {"data": {"title": {"type": "string"}}, "apply": [{"set": "title", "to": "data.title"}]},
            "see": {"apply": [{"add": "seen", "by": "1"}]},
            "write": {"data": {"edits": {"type": "array"}}, "apply": [{"splice": "text", "edits": "data.edits"}]},
            "tag": {"data": {"tag": {"type": "string"}}, "apply": [{"insert": "tags", "value": "data.tag"}]},
            "untag": {"data": {"tag": {"type": "string"}}, "apply": [{"remove": "tags", "value": "data.tag"}]},
            "put": {"data": {"place": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}}},
                    "apply": [{"set": "place", "to": "data.place"}]},
            "value": {"data": {"price": {"type": "integer"}}, "apply": [{"set": "price", "to": "data.price"}]}},
 "allow": {"read": "actor.id != 'eve'"}}
END
r() { "$REAKTOR" --data data "$@" >out 2>err || { cat err && not_ok "$*"; }; }
r init && r actor add ann && r actor add bob && r actor add eve
r module add page.json
p() { r append page/p "$@"; }
p name '{"title": "One"}'
p write '{"edits": [[0, 0, "one two three"]]}'
p tag '{"tag": "a"}' && p tag '{"tag": "b"}' && p put '{"place": {"x": 1, "y": 1}}' && p value '{"price": 4711}'
then=$("$REAKTOR" --data data log page/p --as ann --json | sed -n '6s/.*"id":"\([0-9A-Z]*\)".*/\1/p')
position=$("$REAKTOR" --data data log page/p --as ann --json | sed -n '6s/.*"position":\([0-9]*\).*/\1/p')
p name '{"title": "Two"}'
p write '{"edits": [[4, 3, "2"], [11, 0, "!"]]}'
p untag '{"tag": "a"}' && p tag '{"tag": "c"}' && p put '{"place": {"x": 1, "y": 2}}' && p see && p value '{"price": 4712}'
d() { "$REAKTOR" --data data diff page/p --json "$@" 2>err; }
changes='{"path":"/seen","kind":"changed","before":0,"after":1},{"path":"/tags","kind":"changed","removed":["a"],"added":["c"]},{"path":"/text","kind":"changed","edits":[[4,3,"2"],[11,0,"!"]]},{"path":"/place/y","kind":"changed","before":1,"after":2},{"path":"/title","kind":"changed","before":"One","after":"Two"}'
price=',{"path":"/price","kind":"changed","before":4711,"after":4712}'
of_bob="{\"entity\":\"page/p\",\"from\":{\"version\":6,\"position\":$position},\"to\":{\"version\":13,\"position\":$((position + 7))},\"changes\":[$changes],\"events\":7}"
same 'by version' "$(d --from 6 --as bob)" "$of_bob"
same 'by event' "$(d --from "$then" --as bob)" "$of_bob"
same 'to a version' "$(d --from "$then" --to 13 --as bob)" "$of_bob"
d --from 6 --as ann | grep -qF '"before":4711,"after":4712' && ok 'who may read it has the field' || not_ok 'who may read it'
d --from 0 --to 6 --as bob | grep -q '471' && not_ok 'nobody else' || ok 'nobody else'
same 'of one moment nothing' "$(d --from 6 --to 6 --as bob | sed 's/.*"changes"/"changes"/')" '"changes":[],"events":0}'
same 'from nothing all is added' "$(d --from 0 --to 1 --as bob | sed 's/.*"changes"/"changes"/')" \
    '"changes":[{"path":"/seen","kind":"added","after":0},{"path":"/tags","kind":"added","after":[]},{"path":"/text","kind":"added","after":""},{"path":"/title","kind":"added","after":"One"}],"events":1}'
same 'also by a time before it' "$(d --from 2020-01-01 --to 1 --as bob | sed 's/.*"changes"/"changes"/')" \
    '"changes":[{"path":"/seen","kind":"added","after":0},{"path":"/tags","kind":"added","after":[]},{"path":"/text","kind":"added","after":""},{"path":"/title","kind":"added","after":"One"}],"events":1}'
same 'as lines' "$("$REAKTOR" --data data diff page/p --from 12 --as ann)" \
    'page/p  version 12 to 13, 1 events
{"path":"/price","kind":"changed","before":4711,"after":4712}'
d --from 7 --to 6 --as bob >/dev/null
same 'backwards it is refused' "$?" 1
d --as bob >/dev/null
same 'without a beginning, too' "$?" 2
d --from 6 --as eve >/dev/null
same 'and who may not read' "$?" 1
grep -q forbidden err && ok 'by name' || not_ok 'by name'

# ---- over HTTP
"$REAKTOR" serve --data data --port 0 >serving 2>errors &
server=$!
n=0
while [ ! -s serving ] && [ "$n" -lt 100 ]; do
    n=$((n + 1))
    sleep 0.1
done
base=$(sed -n 's/^listening on //p' serving)
ask() { # ask ACTOR STATUS CODE NAME PATH
    got=$(curl -s -m 20 -o body -w '%{http_code}' -H "Authorization: Bearer $("$REAKTOR" --data data token "$1")" \
        "$base/v1/default/diff/$5")
    judge "$2" "$3" "$4"
}
ask bob 200 - 'over HTTP' 'page/p?from=6'
same 'it is the same' "$(cat body)" "$of_bob"
ask bob 200 - 'by events' "page/p?from=$then&to=$then"
same 'nothing is different' "$(sed 's/.*"changes"/"changes"/' body)" '"changes":[],"events":0}'
ask ann 200 - 'ann asks' 'page/p?from=6'
grep -qF "$price" body || grep -qF "${price#,}" body && ok 'and has the field' || not_ok 'and has the field'
ask bob 200 - 'bob, of events that write nothing but the field' 'page/p?from=5&to=6'
same 'sees no change' "$(sed 's/.*"changes"/"changes"/' body)" '"changes":[],"events":1}'
ask eve 403 forbidden 'eve may not' 'page/p?from=6'
ask bob 400 bad_request 'no beginning' 'page/p'
ask bob 400 bad_request 'backwards' 'page/p?from=7&to=6'
ask bob 400 bad_time 'no moment' 'page/p?from=yesterday'
ask bob 404 not_found 'a version that there is not' 'page/p?from=99'
ask bob 404 not_found 'an event that there is not' 'page/p?from=01ARZ3NDEKTSV4RRFFQ69G5FAV'
ask bob 404 not_found 'nothing there' 'page/q?from=0'
ask bob 404 unknown_module 'no module' 'paper/p?from=0'
kill "$server"
wait "$server"
same 'the server stops well' $? 0
