#!/bin/sh
# Sessions from outside, with curl: login by key and by password, tokens that go on and tokens that end, what a thief, a
# restart and a disabled actor change, and the bounds of guessing.
set -u
. "$PWD/test/serve_testing.sh"

r() { "$REAKTOR" --data data "$@" >/dev/null 2>&1; }

# ask STATUS CODE NAME CURL-ARGUMENTS...: the answer has that status, and that code when CODE is not -.
ask() {
    wanted=$1 code=$2 name=$3
    shift 3
    got=$(curl -s -m 20 -D head -o body -w '%{http_code}' "$@")
    judge "$wanted" "$code" "$name"
}
json='Content-Type: application/json'
as() { # as TOKEN STATUS CODE NAME PATH [CURL-ARGUMENTS...]
    bearer=$1 wanted=$2 code=$3 name=$4 path=$5
    shift 5
    ask "$wanted" "$code" "$name" -H "Authorization: Bearer $bearer" -H "$json" "$@" "$base$path"
}
post() { # post STATUS CODE NAME PATH BODY, without a token
    ask "$1" "$2" "$3" -H "$json" -d "$5" "$base$4"
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" body; }
differ() { if [ "$2" != "$3" ]; then ok "$1"; else not_ok "$1"; fi; }

# by_key ACTOR [DATA]: logs in with a key of the folder; the answer in `body`, its token and refresh token in variables.
challenge() { curl -s -H "$json" -d "{\"actor\":\"$1\"}" "$base/v1/default/sessions/challenge"; }
by_key() {
    challenge "$1" | "$REAKTOR" --data "${2:-data}" login "$1" >answer
    post 201 - "$1 logs in by key" /v1/default/sessions "@answer"
    token=$(member token) refresh=$(member refresh) session=$(member session)
}
password() { # password STATUS CODE NAME ACTOR PASSWORD
    post "$1" "$2" "$3" /v1/default/sessions "{\"actor\":\"$4\",\"password\":\"$5\"}"
    token=$(member token) refresh=$(member refresh) session=$(member session)
}

r init && r actor add ann && r actor add bob && r actor add carl --role admin && ok 'an account' || not_ok 'an account'
mkdir -p data/accounts/other && "$REAKTOR" --data data/accounts/other init --account other >/dev/null &&
    "$REAKTOR" --data data/accounts/other actor add ann >/dev/null
start
owner=$("$REAKTOR" --data data token owner)

# ---- by key
ask 200 - 'the keys that tokens are verified with' "$base/.well-known/jwks.json"
says 'are Ed25519' '"kty":"OKP","crv":"Ed25519"'
by_key ann
ann=$token ann_refresh=$refresh ann_session=$session
as "$ann" 200 - 'and reads with the token' /v1/default
post 401 replayed 'an answer is taken once' /v1/default/sessions "@answer"
challenge bob >answer
"$REAKTOR" --data data login ann <answer >out 2>err && not_ok 'a challenge for another is not answered' ||
    ok 'a challenge for another is not answered'
challenge ann | "$REAKTOR" --data data/accounts/other login ann >out 2>err && not_ok 'nor one of another account' ||
    ok 'nor one of another account'
curl -s -H "$json" -d '{"actor":"ann"}' "$base/v1/other/sessions/challenge" |
    "$REAKTOR" --data data/accounts/other login ann >answer
post 401 bad_challenge 'an answer for another account' /v1/default/sessions "@answer"
post 201 - 'is good there' /v1/other/sessions "@answer"
as "$(member token)" 403 not_a_member 'and its token only there' /v1/default
post 200 - 'a challenge for nobody' /v1/default/sessions/challenge '{"actor":"nobody"}'
post 200 - 'or of an account that there is not' /v1/nothing/sessions/challenge '{"actor":"ann"}'
post 400 bad_id 'none for what is no name' /v1/default/sessions/challenge '{"actor":""}'
post 400 bad_request 'an answer that is no base64' /v1/default/sessions '{"answer":"*"}'
post 400 bad_cose 'an answer that is none' /v1/default/sessions '{"answer":"AAAA"}'
post 400 bad_request 'a login without a secret' /v1/default/sessions '{"actor":"ann"}'
post 400 bad_request 'a login with two' /v1/default/sessions '{"actor":"ann","password":"12345678","answer":"AAAA"}'
post 400 bad_request 'a member too many' /v1/default/sessions '{"actor":"ann","password":"12345678","x":1}'
head -c 70000 /dev/zero >large
ask 413 too_large 'a body too large for a guest' -H "$json" --data-binary @large "$base/v1/default/sessions"

# ---- going on
post 200 - 'a refresh' /v1/default/sessions/refresh "{\"refresh\":\"$ann_refresh\"}"
next=$(member refresh) next_token=$(member token)
differ 'gives another refresh token' "$next" "$ann_refresh"
as "$next_token" 200 - 'and a token that is good' /v1/default
as "$ann" 200 - 'the one before is too, until its time' /v1/default
as "$next_token" 200 - 'the session' /v1/default/sessions
says 'is listed' "\"session\":\"$ann_session\",\"actor\":\"ann\",\"by\":\"key\""
says 'as this one' '"this":true'
post 401 replayed 'a refresh token that was used' /v1/default/sessions/refresh "{\"refresh\":\"$ann_refresh\"}"
post 401 bad_token 'ends the session' /v1/default/sessions/refresh "{\"refresh\":\"$next\"}"
as "$next_token" 401 unauthenticated 'with its tokens' /v1/default
as "$ann" 401 unauthenticated 'all of them' /v1/default
post 401 bad_token 'a refresh token that is none' /v1/default/sessions/refresh '{"refresh":"x"}'
post 401 bad_token 'nor of an account that there is not' /v1/nothing/sessions/refresh "{\"refresh\":\"$next\"}"

# ---- ending
by_key ann
ann=$token ann_session=$session
by_key ann
other=$token other_session=$session
by_key bob
bob=$token bob_session=$session
as "$bob" 403 forbidden 'another sees none of them' '/v1/default/sessions?actor=ann'
as "$bob" 404 not_found 'and ends none' "/v1/default/sessions/$ann_session" -X DELETE
as "$ann" 200 - 'which goes on' /v1/default
changed=$(printf %s "$ann" | sed -e 's/^\(.\{100\}\)A/\1B/' -e t -e 's/^\(.\{100\}\)./\1A/')
as "$changed" 401 unauthenticated 'not so a token that is like it but for a byte' /v1/default
as "$ann" 200 - 'one ends another of its own' "/v1/default/sessions/$other_session" -X DELETE
as "$other" 401 unauthenticated 'at once, though it was seen before' /v1/default
as "$ann" 404 not_found 'which it cannot twice' "/v1/default/sessions/$other_session" -X DELETE
as "$owner" 200 - 'an admin sees' '/v1/default/sessions?actor=bob'
says 'those of others' "$bob_session"
as "$owner" 200 - 'and ends them' "/v1/default/sessions/$bob_session" -X DELETE
as "$bob" 401 unauthenticated 'so that it has to log in' /v1/default
by_key bob
bob=$token bob_refresh=$refresh

# ---- passwords
as "$ann" 200 - 'a password for oneself' /v1/default/actors/ann/password -X PUT -d '{"password":"correct horse"}'
as "$ann" 403 forbidden 'not for another' /v1/default/actors/bob/password -X PUT -d '{"password":"correct horse"}'
as "$owner" 200 - 'an admin for another' /v1/default/actors/bob/password -X PUT -d '{"password":"battery staple"}'
by_key carl
carl=$token
as "$carl" 403 forbidden 'but not for the owner' /v1/default/actors/owner/password -X PUT -d '{"password":"battery staple"}'
as "$owner" 403 forbidden 'nor for the truth' /v1/default/actors/truth/password -X PUT -d '{"password":"battery staple"}'
as "$owner" 404 not_found 'nor for nobody' /v1/default/actors/nobody/password -X PUT -d '{"password":"battery staple"}'
as "$ann" 422 bad_password 'a short one is none' /v1/default/actors/ann/password -X PUT -d '{"password":"short"}'
password 201 - 'ann logs in by password' ann 'correct horse'
first=$token first_refresh=$refresh
as "$first" 200 - 'and reads' /v1/default
password 401 login_refused 'a wrong one' ann 'wrong horse'
cp body wrong
password 401 login_refused 'an actor that there is not' nobody 'wrong horse'
sed 's/"request":"[^"]*"//' wrong >a
sed 's/"request":"[^"]*"//' body >b
cmp -s a b && ok 'reads the same' || not_ok 'reads the same'
post 401 login_refused 'an account that there is not' /v1/nothing/sessions '{"actor":"ann","password":"correct horse"}'
sed 's/"request":"[^"]*"//' body >b
cmp -s a b && ok 'reads the same too' || not_ok 'reads the same too'
password 401 login_refused 'an actor without a password' carl 'wrong horse'
grep -rq 'argon2id' data/log.db* && not_ok 'nothing of it is in the log' || ok 'nothing of it is in the log'
grep -rq 'correct horse' data && not_ok 'nor is it anywhere' || ok 'nor is it anywhere'
password 201 - 'ann logs in again' ann 'correct horse'
as "$token" 200 - 'a new password' /v1/default/actors/ann/password -X PUT -d '{"password":"another horse"}'
as "$token" 200 - 'leaves the session that set it' /v1/default
as "$first" 401 unauthenticated 'and ends those with the old' /v1/default
post 401 bad_token 'for good' /v1/default/sessions/refresh "{\"refresh\":\"$first_refresh\"}"
as "$ann" 200 - 'but not those by key' /v1/default
again=$token
password 401 login_refused 'the old one is wrong now' ann 'correct horse'
as "$ann" 200 - 'it is taken away' /v1/default/actors/ann/password -X DELETE
as "$again" 401 unauthenticated 'with what began with it' /v1/default
password 401 login_refused 'and is wrong from then on' ann 'another horse'
as "$ann" 404 not_found 'none is taken away twice' /v1/default/actors/ann/password -X DELETE

# ---- guessing; the minute may end once on the way
n=0
limited=no
while [ "$n" -lt 25 ] && [ "$limited" = no ]; do
    n=$((n + 1))
    [ "$(curl -s -o body -D head -w '%{http_code}' -H "$json" -d '{"actor":"bob","password":"guess 12345"}' \
        "$base/v1/default/sessions")" = 429 ] && limited=yes
done
[ "$limited" = yes ] && ok "guessing ends after $n tries" || not_ok 'guessing ends'
says 'by name' '"code":"too_many_requests"'
grep -qi '^retry-after: [0-9]' head && ok 'and says when to come again' || not_ok 'and says when to come again'
seq 1 12 | xargs -P 12 -I @@ curl -s -o /dev/null -D head.@@ -w '%{http_code}\n' -H "$json" \
    -d '{"actor":"x@@","password":"guess 12345"}' "$base/v1/default/sessions" >codes
[ "$(grep -c -e 401 -e 503 codes)" = 12 ] && grep -q 503 codes && ok 'few are checked at a time' ||
    not_ok "few are checked at a time ($(sort codes | uniq -c | tr '\n' ' '))"

# ---- a restart
stop
start
as "$ann" 200 - 'a session outlives the server' /v1/default
as "$other" 401 unauthenticated 'and its end does too' /v1/default
post 200 - 'a refresh token is good still' /v1/default/sessions/refresh "{\"refresh\":\"$bob_refresh\"}"
bob=$(member token) bob_refresh=$(member refresh)
password 201 - 'a password as well' bob 'battery staple'
by_password=$token by_password_refresh=$refresh

# ---- who may no longer
as "$owner" 201 - 'an actor is disabled' /v1/default/actors/bob/disabled -X PUT -d '{"disabled":true}'
post 401 login_refused 'its session does not go on' /v1/default/sessions/refresh "{\"refresh\":\"$bob_refresh\"}"
as "$bob" 401 unauthenticated 'and has ended then' /v1/default
password 401 login_refused 'nor does it log in by password' bob 'battery staple'
challenge bob | "$REAKTOR" --data data login bob >answer
post 401 - 'nor by key' /v1/default/sessions "@answer"
as "$owner" 201 - 'enabled again' /v1/default/actors/bob/disabled -X PUT -d '{"disabled":false}'
post 200 - 'what did not try goes on' /v1/default/sessions/refresh "{\"refresh\":\"$by_password_refresh\"}"
by_key bob
key=$("$REAKTOR" --data data actor list --json | sed -n 's/.*"actor":"bob".*"keys":{"\([0-9a-f]*\)".*/\1/p')
as "$token" 201 - 'one revokes its own key' "/v1/default/actors/bob/keys/$key" -X DELETE
post 401 login_refused 'and the session that began with it ends' /v1/default/sessions/refresh "{\"refresh\":\"$refresh\"}"
stop
server=""
[ -s errors ] && { sed 's/^/    err: /' errors && not_ok 'nothing was said on standard error'; } || ok 'nothing was said on standard error'
