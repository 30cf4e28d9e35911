#!/bin/sh
# Expressions from the command line: values as JSON, errors with a caret, variables, and files of conformance cases.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset REAKTOR_DATA
ok() { printf 'ok - %s\n' "$1"; }
not_ok() { printf 'not ok - %s\n' "$1"; }
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2' is not '$3'"; fi; }
# value TEXT EXPRESSION [OPTION...]: what is printed, on one line
value() {
    wanted=$1
    shift
    check "$1" "$("$REAKTOR" expr "$@" 2>err | tr -d ' \n')" "$wanted"
    [ ! -s err ] || not_ok "$1: $(cat err)"
}
# refused STATUS EXPRESSION ...: the exit status; standard error is in err
refused() {
    status=$1
    shift
    "$REAKTOR" expr "$@" >out 2>err
    check "$(printf %s "$1" | head -n 1 | cut -c1-60) is refused" "$?" "$status"
    [ ! -s out ] || not_ok "$1: prints $(cat out)"
}

value 3 '1 + 2'
value -5 -- '-5'
value 18446744073709551615 '18446744073709551615u'
value 0.30000000000000004 '0.1 + 0.2'
value 1.0 '1.0'
value '"a\nb"' "'a\\nb'"
value '[null,true,{"bytes":"00ff"}]' "[null, true, b'\\x00\\xff']"
value '[{"double":"NaN"},{"double":"-Infinity"}]' '[0.0/0.0, -1.0/0.0]'
value '{"timestamp":"2026-01-31T12:00:00.5Z"}' "timestamp('2026-01-31T12:00:00.5Z')"
value '{"duration":"-90s"}' "duration('-1m30s')"
value '{"type":"google.protobuf.Timestamp"}' 'type(timestamp(0))'
value '[{"optional":[null]},{"optional":[]}]' '[optional.of(null), optional.none()]'
value '{"1":"a","true":{"type":"int"}}' "{1: 'a', true: int}"
value '{"value":[1],"type":"list"}' '[1]' --json
value 14 "timestamp('2026-07-01T12:00:00Z').getHours('Europe/Berlin')"
value 7 "timestamp('2026-11-01T12:00:00Z').getHours('America/New_York')"

value '[4,2.5,"x"]' '[a + 1, b, c.d[0]]' --vars '{"a": 3, "b": 2.5, "c": {"d": ["x"]}}'
value true 'a.b == 1 && a.b + 1 == 2' --vars '{"a.b": 1, "a": {"b": 5}}'
printf '{"a": [1, 2]}\n' >vars.json
value 2 'size(a)' --vars @vars.json
value true 'a == -9223372036854775808' --vars '{"a": -9223372036854775808}'
check 'no folder is made' "$(ls)" "$(printf 'err\nvars.json')"

refused 1 '1 + + 2'
check 'a caret stands below the mistake' "$(sed -n 1,2p err)" "$(printf '    1 + + 2\n        ^')"
check 'the column is told too' "$(sed -n 4p err)" '  where: column 5'
refused 1 "'ä' +
  [1, 2][7]"
check 'in the line that it is in' "$(sed -n 1,2p err)" "$(printf '      [1, 2][7]\n            ^')"
refused 1 "$(printf '%0200d' 0) / 0 + x"
check 'a long line is cut around it' "$(sed -n 1p err | wc -c)" 72
refused 1 'nobody'
grep -q 'undeclared reference to nobody' err && ok 'an unknown name is told' || not_ok "$(cat err)"
refused 1 '1 / 0' --json
check 'with --json the error is JSON' "$(cat err)" \
    '{"error":"expression_failed","what":"divide by zero","where":"column 3","hint":""}'
refused 1 "timestamp(0).getHours('../../etc/passwd')"
refused 1 "timestamp(0).getHours('Europe/Nowhere')"
refused 1 '[1,2,3,4,5,6,7,8,9,0].all(a, [1,2,3,4,5,6,7,8,9,0].all(b, [1,2,3,4,5,6,7,8,9,0].all(c, [1,2,3,4,5,6,7,8,9,0].all(d,
[1,2,3,4,5,6,7,8,9,0].all(e, [1,2,3,4,5,6,7,8,9,0].all(f, true))))))'
grep -q step_bound err && ok 'a bound ends what is endless' || not_ok "$(cat err)"
refused 1 a --vars '[1]'
refused 1 a --vars '{'
refused 3 a --vars @none.json
refused 2 a --cases vars.json
refused 2 --vars '{}'
"$REAKTOR" expr >out 2>err
check 'nothing to do is a mistake of use' "$?" 2

cat >cases.json <<'CASES'
[
{"section": "s", "name": "holds", "expr": "x + 1", "bindings": {"x": {"int": "1"}}, "value": {"int": "2"}},
{"section": "s", "name": "nan", "expr": "[0.0/0.0]", "value": {"list": [{"double": "NaN"}]}},
{"section": "s", "name": "fails as it should", "expr": "x.y.z", "error": ["any"]},
{"section": "s", "name": "map", "expr": "{'b': 1u, 'a': b''}", "value": {"map": [[{"string": "a"}, {"bytes_hex": ""}], [{"string": "b"}, {"uint": "1"}]]}}
]
CASES
"$REAKTOR" expr --cases cases.json >out 2>err
check 'cases that hold' "$?" 0
check 'are counted' "$(cat out)" '4 passed, 0 failed'
sed 's/"2"}}/"3"}}/; s/x\.y\.z/1/' cases.json >wrong.json
"$REAKTOR" expr --cases wrong.json >out 2>err
check 'cases that do not' "$?" 1
check 'have a line each' "$(cat out)" \
    's/holds: expected {"int":"3"}, got {"int":"2"}
s/fails as it should: expected an error, got {"int":"1"}
2 passed, 2 failed'
"$REAKTOR" expr --cases wrong.json --json >out 2>err
check 'or are one JSON object' "$(cut -c1-100 out)" \
    '{"passed":2,"failed":2,"cases":[{"section":"s","name":"holds","expr":"x + 1","expected":"{\"int\":\"'
sed 's/"uint"/"whole"/' cases.json >broken.json
"$REAKTOR" expr --cases broken.json >out 2>err
check 'a broken file is refused' "$?" 1
check 'and its case named' "$(grep where err)" '  where: broken.json: case 4 (s/map)'
"$REAKTOR" expr --cases none.json >out 2>err
check 'a file that is not there' "$?" 3
