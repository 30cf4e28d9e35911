#!/bin/sh
# The server's edge from outside: TLS, limits of an account and of an address, clients that are slow, counts for
# Prometheus, and a log that has no secret in it.
set -u
. "$PWD/test/serve_testing.sh"

is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 (\"$2\", not \"$3\")"; fi; }
has() { if grep -qE -e "$3" "$2"; then ok "$1"; else { sed 's/^/    /' "$2" | head -40; not_ok "$1"; } fi; }
has_not() { if grep -qF -e "$3" "$2"; then not_ok "$1"; else ok "$1"; fi; }

# start ARGUMENTS...: the server of `data`, on any free port; its address in $base, that of its counts in $metrics.
start() {
    : >serving
    "$REAKTOR" serve --data data --port 0 "$@" >serving 2>errors </dev/null &
    server=$!
    n=0
    while ! grep -q '^listening' serving && kill -0 "$server" 2>/dev/null && [ "$n" -lt 300 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    base=$(sed -n 's/^listening on //p' serving) metrics=$(sed -n 's/^metrics on //p' serving)
}
stop() {
    kill "$server"
    wait "$server"
    is "$1" $? 0
    server=""
}
status() { curl -s -m 30 -o body -D head -w '%{http_code}' "$@"; }
# Behind the definition itself.
status_position() { curl -s --cacert cert.pem -H "$bearer" "$base/v1/default/events?limit=1000" | grep -o '"position":[0-9]*' | wc -l | awk '{ print $1 + 1 }'; }
view='{"events":[{"entity":"profile/ann","type":"view"}]}'
append() { status --cacert cert.pem -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$view" "$@"; }

"$REAKTOR" --data data init >/dev/null && "$REAKTOR" --data data module add "$root/examples/modules/profile.json" >/dev/null &&
    ok 'an account' || not_ok 'an account'
token=$("$REAKTOR" --data data token owner)
bearer="Authorization: Bearer $token"

# ---- TLS
make_cert() { # make_cert NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1-key.pem" -out "$1.pem" -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
}
make_cert cert && make_cert other && ok 'certificates' || not_ok 'certificates'
echo nonsense >nonsense.pem
refused() { # refused NAME TEXT ARGUMENTS...: it ends before it listens, and says why
    name=$1 text=$2
    shift 2
    timeout 20 "$REAKTOR" serve --data data --port 0 "$@" >serving 2>errors </dev/null
    [ $? != 0 ] && [ $? != 124 ] && [ ! -s serving ] && tr '\n' ' ' <errors | grep -q -e "$text" && ok "$name" || { cat errors; not_ok "$name"; }
}
refused 'a certificate without its key' 'tls-key' --tls-cert cert.pem
refused 'a key without its certificate' 'tls-cert' --tls-key cert-key.pem
refused 'a certificate that is not there' 'no.pem' --tls-cert no.pem --tls-key cert-key.pem
refused 'a certificate that is none' 'no PEM.*nonsense.pem' --tls-cert nonsense.pem --tls-key cert-key.pem
refused 'a key in the place of a certificate' 'no certificate.*cert-key.pem' --tls-cert cert-key.pem --tls-key cert-key.pem
refused 'a certificate in the place of a key' 'no key.*cert.pem' --tls-cert cert.pem --tls-key cert.pem
refused "another certificate's key" 'not the key.*other-key.pem' --tls-cert cert.pem --tls-key other-key.pem

start --tls-cert cert.pem --tls-key cert-key.pem
case $base in https://127.0.0.1:*) ok 'it says that it listens for https' ;; *) not_ok 'it says that it listens for https' ;; esac
is 'health over TLS' "$(status --cacert cert.pem "$base/health")" 200
is 'another certificate is not trusted' "$(status --cacert other.pem "$base/health")" 000
is 'TLS 1.1 is not spoken' "$(status --cacert cert.pem --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' "$base/health")" 000
is 'TLS 1.2 is' "$(status --cacert cert.pem --tls-max 1.2 "$base/health")" 200
is 'TLS 1.3 is' "$(status --cacert cert.pem --tlsv1.3 "$base/health")" 200
is 'plain HTTP is not' "$(status "http://${base#https://}/health" | grep -c '^2')" 0
curl -sN -m 60 --cacert cert.pem -H "$bearer" -H 'Accept: text/event-stream' "$base/v1/default/events?after=4" >stream 2>/dev/null &
reader=$!
for n in 1 2 3 4 5; do [ "$(append "$base/v1/default/events")" = 201 ] || not_ok "append $n over TLS"; done
n=0
while [ "$(grep -o '"type":"view"' stream | wc -l)" -lt 5 ] && [ "$n" -lt 200 ]; do n=$((n + 1)) && sleep 0.1; done
is 'five appends reach a stream over TLS' "$(grep -o '"type":"view"' stream | wc -l)" 5
kill "$reader"
n=0
for writer in a b c d e f g h; do
    for n in 1 2 3 4 5; do append "$base/v1/default/events" -o /dev/null; echo; done >writer.$writer &
    writers="${writers:-} $!"
done
wait $writers
is 'eight writers at once over TLS' "$(cat writer.* | grep -c '^201$')" 40
is 'a consumer over TLS' "$(status --cacert cert.pem -X PUT -H "$bearer" -H 'Content-Type: application/json' -d '{"from":'"$(status_position)"'}' "$base/v1/default/consumers/work")" 201
curl -s -m 60 --cacert cert.pem -H "$bearer" -H 'Content-Type: application/json' -d '{"wait_ms":20000,"limit":1}' \
    "$base/v1/default/consumers/work/take" >taken &
taker=$!
sleep 0.5
append "$base/v1/default/events" >/dev/null
wait "$taker"
has 'a take that waits over TLS is given an event' taken '"type":"view"'
head -c 3000000 /dev/zero | tr '\0' a >large
is 'a large body over TLS' "$(status --cacert cert.pem -H "$bearer" -H 'Content-Type: application/json' -T large -X POST "$base/v1/default/events")" 400
sign() { # sign URL: asked over TLS, signed for that URL
    "$REAKTOR" --data data sign GET "$1" --as owner >signed
    status --cacert cert.pem -H @signed "$base/v1/default/state/profile/ann" -H "Host: ${2:-${base#https://}}"
}
is 'a signed request over TLS' "$(sign "$base/v1/default/state/profile/ann")" 200
is 'its authority leaves :443 away' "$(sign https://db.example.org:443/v1/default/state/profile/ann db.example.org)" 200
is 'and has none that the client sends' "$(sign https://db.example.org/v1/default/state/profile/ann db.example.org:443)" 200
is 'but :80 is another' "$(sign https://db.example.org/v1/default/state/profile/ann db.example.org:80)" 401
[ -s errors ] && { cat errors && not_ok 'nothing is said on standard error'; } || ok 'nothing is said on standard error'
stop 'it stops'

# ---- the log and the counts
start --log json --log-requests --metrics 127.0.0.1:0
grep -q '"event":"start"' errors && ok 'it says that it starts' || not_ok 'it says that it starts'
is 'an append' "$(append "$base/v1/default/events")" 201
is 'a refused one' "$(status -H "$bearer" -H 'Content-Type: application/json' -d '{"events":[]}' "$base/v1/default/events")" 400
is 'a wrong token' "$(status -H 'Authorization: Bearer secret-token-text' "$base/v1/default/events?type=secret-query-text")" 401
is 'a password' "$(status -X PUT -H "$bearer" -H 'Content-Type: application/json' -d '{"password":"secret-pass-word"}' "$base/v1/default/actors/owner/password")" 200
is 'a login' "$(status -H 'Content-Type: application/json' -d '{"actor":"owner","password":"secret-pass-word"}' "$base/v1/default/sessions")" 201
session=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' body) refresh=$(sed -n 's/.*"refresh":"\([^"]*\)".*/\1/p' body)
[ -n "$session" ] && [ -n "$refresh" ] && ok 'has tokens' || not_ok 'has tokens'
is 'a refresh' "$(status -H 'Content-Type: application/json' -d "{\"refresh\":\"$refresh\"}" "$base/v1/default/sessions/refresh")" 200
"$REAKTOR" --data data sign GET "$base/v1/default" --as owner >signed
is 'a signed request' "$(status -H @signed "$base/v1/default")" 200
is 'no such path' "$(status "$base/nothing%0Aat%1bit")" 404
is 'the counts' "$(status "$metrics")" 200
cp body counts
is 'are not where accounts are' "$(status "$base/metrics")" 404
is 'and nothing else is where they are' "$(status "${metrics%/metrics}/v1/default")" 404
is 'nor posts' "$(status -d x "$metrics")" 405
has 'appends are counted' counts '^reaktor_requests_total\{operation="event_append",status="2xx"\} 1$'
has 'and refusals, by code' counts '^reaktor_refusals_total\{code="bad_request"\} 1$'
has 'and groups' counts '^reaktor_groups_total [1-9]'
has 'and what they wrote' counts '^reaktor_events_total [1-9]'
has 'latencies' counts '^reaktor_request_seconds_count\{kind="append"\} [1-9]'
has 'accounts' counts '^reaktor_accounts_open 1$'
has 'memory' counts '^reaktor_resident_bytes [1-9][0-9]{6}'
has 'files' counts '^reaktor_open_files [1-9]'
has 'the build' counts '^reaktor_build_info\{version="'
has_not 'no name of an account is in it' counts default
has_not 'nor of an actor' counts owner
has 'a request is a line' errors '"event":"request","request":"[0-9a-f]{32}","method":"POST","path":"/v1/default/events","status":201,"us":[0-9]+,"in":[0-9]+,"out":[0-9]+,"account":"default","actor":"owner"'
has 'a refusal has its code' errors '"status":401,"code":"unauthenticated"'
has 'a path is as it came' errors '"path":"/nothing%0Aat%1bit","status":404'
sed -n 's/^Signature: .*:\(.*\):/\1/p' signed >signature
for secret in secret-token-text secret-query-text secret-pass-word "$session" "$refresh" "$token" "$(cat signature)"; do
    [ -n "$secret" ] && has_not "no secret is said ($(printf %.8s "$secret")...)" errors "$secret"
done
stop 'it stops'
has 'it says that it stops' errors '"event":"stop"'
grep -qvE '^\{"time":"[0-9T:.Z-]{24}","level":"(info|warn|error)","event":"[a-z ]+".*\}$' errors &&
    { cat errors && not_ok 'every line is JSON of that form'; } || ok 'every line is JSON of that form'
mkdir -p data/accounts/bad/keys && head -c 8192 /dev/urandom >data/accounts/bad/log.db
start
is 'an account that is damaged' "$(status -H "$bearer" "$base/v1/bad/events?type=secret-query-text" | cut -c1)" 5
n=0
while ! grep -q 'error request' errors && [ "$n" -lt 100 ]; do # said when the answer has been taken
    n=$((n + 1))
    sleep 0.1
done
has 'a fault is said without being asked for' errors '^[0-9T:.Z-]{24} error request request=[0-9a-f]{32} method=GET path=/v1/bad/events status=50[03] code='
has_not 'without a secret' errors secret
is 'and what is no fault is not' "$(status "$base/nothing")" 404
is 'so that there is one line' "$(grep -c 'T.*request' errors)" 1
stop 'it stops'
start --log none
is 'the damaged one again' "$(status -H "$bearer" "$base/v1/bad/modules" | cut -c1)" 5
stop 'it stops'
[ -s errors ] && { cat errors && not_ok 'with --log none nothing is said'; } || ok 'with --log none nothing is said'
rm -r data/accounts/bad
start --log text
status "$base/health" >/dev/null
stop 'it stops'
has 'as text' errors '^[0-9T:.Z-]{24} info start '
has_not 'requests are not said unless it is asked for' errors 'info request'

# ---- an account's rate
"$REAKTOR" --data data quota --requests 5 >/dev/null
start
codes() { # codes N PATH: N requests at once, their statuses
    n=0
    while [ "$n" -lt "$1" ]; do
        printf 'url = "%s%s"\noutput = /dev/null\n' "$base" "$2"
        n=$((n + 1))
    done >urls
    curl -s -m 60 -H "$bearer" -K urls -w '%{http_code}\n'
}
codes 100 /v1/default >seen
refused=$(grep -c '^429$' seen) passed=$(grep -c '^200$' seen)
[ "$refused" -gt 0 ] && [ "$passed" -ge 5 ] && [ $((refused + passed)) = 100 ] &&
    ok 'past its quota of requests an account is told to wait' || not_ok "past its quota ($passed passed, $refused refused)"
n=0
while [ "$(status -H "$bearer" "$base/v1/default")" != 429 ] && [ "$n" -lt 100 ]; do n=$((n + 1)); done
has 'by its code' body '"code":"too_many_requests"'
has 'and for how long' head '^Retry-After: 1'
is 'others are served' "$(status "$base/health")" 200
is 'a stranger is not counted to it' "$(codes 1 /v1/other)" 403
"$REAKTOR" --data data quota --none >/dev/null
n=0
while [ "$(codes 20 /v1/default | grep -c '^200$')" != 20 ] && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
is 'another quota counts within a moment' "$(codes 100 /v1/default | grep -c '^200$')" 100
stop 'it stops'

# ---- an address's rate and connections
start --address-rate 5
codes 100 /health >seen
[ "$(grep -c '^429$' seen)" -gt 0 ] && [ "$(grep -c '^200$' seen)" -ge 5 ] && ok 'an address that asks too fast is told to wait' ||
    not_ok 'an address that asks too fast is told to wait'
n=0
while [ "$(status "$base/health")" != 429 ] && [ "$n" -lt 100 ]; do n=$((n + 1)); done
has 'by its code' body '"code":"too_many_requests"'
has 'and for how long' head '^Retry-After: 1'
is 'another address is served' "$(status --interface 127.0.0.9 "$base/health")" 200
stop 'it stops'
start --address-connections 1 --threads 1 --metrics 127.0.0.1:0
curl -sN -m 60 -H "$bearer" -H 'Accept: text/event-stream' "$base/v1/default/events" >held &
reader=$!
n=0
while [ ! -s held ] && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
is 'past its connections an address gets none' "$(status "$base/health")" 000
is 'another address gets one' "$(status --interface 127.0.0.9 "$base/health")" 200
kill "$reader"
status "$metrics" >/dev/null
has 'those turned away are counted' body '^reaktor_connections_refused_total 1$'
stop 'it stops'

# ---- slow clients
start --idle-seconds 1 --metrics 127.0.0.1:0
port=${base##*:}
# A byte each 0.3 s: never idle, never done.
(printf 'GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: '; while printf a; do sleep 0.3; done) 2>/dev/null |
    curl -s -m 100 "telnet://127.0.0.1:$port" >slow 2>/dev/null
ok 'a head that never ends loses its connection'
n=0
while status "$metrics" >/dev/null && ! grep -q '^reaktor_connections_cut_total 1$' body && [ "$n" -lt 100 ]; do n=$((n + 1)) && sleep 0.1; done
has 'which is counted' body '^reaktor_connections_cut_total 1$'
is 'others are served' "$(status "$base/health")" 200
stop 'it stops'
