#!/bin/sh
# Every command, request and filter that docs/accounts.md and docs/live.md show, and README.md's with curl, works as
# written: the blocks are taken from the pages, in the order in which they stand there.
set -u
root=$PWD
work=$(mktemp -d)
cd "$work" || exit 1
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN REAKTOR_CREATE
server=''
trap 'kill "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT
mkdir bin build && ln -s "$REAKTOR" bin/reaktor && ln -s "$REAKTOR" build/reaktor
PATH="$work/bin:$PATH"

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    sed 's/^/    /' out
}
quiet() { "$@" >out 2>&1 || not_ok "$*"; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2"; }

# block PAGE N: the N-th indented block of a page, without its indent.
block() {
    awk -v wanted="$2" '/^    / { if (!inside) n++; inside = 1; if (n == wanted) print substr($0, 5); next } { inside = 0 }' \
        "$root/$1"
}
# blocks PAGE COUNT: a block that is added needs a test here.
blocks() {
    n=$(awk '/^    / { if (!inside) n++; inside = 1; next } { inside = 0 } END { print n + 0 }' "$root/$1")
    if [ "$n" = "$2" ]; then ok "$1 shows $2 blocks"; else not_ok "$1 shows $n blocks, and $2 are tested"; fi
}
# paste PAGE N TEXT...: a block as a person pastes it; what it prints has each TEXT.
paste_block() {
    page=$1 number=$2
    shift 2
    block "$page" "$number" >command
    sh ./command >out 2>progress || not_ok "block $number of $page ends well"
    for text in "$@"; do
        if grep -qF -- "$text" out; then ok "block $number of $page gives $text"; else
            cat command
            not_ok "block $number of $page gives $text"
        fi
    done
}

# The address that the pages name is this server's, in the commands that are taken from them.
quiet reaktor init --data reaktor-data
reaktor --data reaktor-data serve --port 0 --create anyone >serving 2>errors </dev/null &
server=$!
n=0
until [ -s serving ] || [ "$n" -ge 200 ]; do
    n=$((n + 1))
    sleep 0.1
done
URL=$(sed -n 's/^listening on //p' serving)
export URL

# ---- docs/accounts.md: founding, then logging in with the keys that it made
blocks docs/accounts.md 2
paste_block docs/accounts.md 1 '"name":"shop"' '"position":'
ACCOUNT_ID=$(member id out)
export ACCOUNT_ID
paste_block docs/accounts.md 2 '"actor":"owner"' '"refresh":'
token=$(member token out)
code=$(curl -s -o out -w '%{http_code}' -H "Authorization: Bearer $token" "$URL/v1/shop")
if [ "$code" = 200 ]; then ok 'the token is that of the account'; else not_ok 'the token is that of the account'; fi

# ---- docs/live.md: a filter, then requests of a consumer's life
blocks docs/live.md 2
acme=reaktor-data/accounts/acme
quiet reaktor --data "$acme" init --account acme
quiet reaktor --data "$acme" module add "$root/examples/modules/coin.json"
quiet reaktor --data "$acme" actor add ann
quiet reaktor --data "$acme" append coin/inr create '{"supply": 5000}'
quiet reaktor --data "$acme" append coin/inr transfer '{"to": "ann", "amount": 999}'
quiet reaktor --data "$acme" append coin/inr transfer '{"to": "ann", "amount": 1000}'
token=$(reaktor --data reaktor-data token owner --account acme)
block docs/live.md 1 >filter
quiet curl -s -G -H "Authorization: Bearer $token" --data-urlencode "where@filter" "$URL/v1/acme/events"
case $(cat out) in
*'"amount":999'*) not_ok 'the filter of docs/live.md leaves others out' ;;
*'"amount":1000'*) ok 'the filter of docs/live.md finds its event' ;;
*) not_ok 'the filter of docs/live.md finds its event' ;;
esac
block docs/live.md 2 >requests
if [ -s requests ]; then ok 'docs/live.md shows requests'; else not_ok 'docs/live.md shows requests'; fi
while read -r method path body; do
    body=$(printf %s "$body" | sed 's/"wait_ms": [0-9]*/"wait_ms": 100/')
    code=$(curl -s -m 20 -o out -w '%{http_code}' -X "$method" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' -d "$body" "$URL$path")
    case $code in 20[01]) ok "$method $path $body" ;; *) not_ok "$method $path $body ($code)" ;; esac
done <requests

# ---- README.md: its one command with curl, after those before it
quiet build/reaktor module add "$root/examples/modules/profile.json"
quiet build/reaktor append profile/me rename '{"name": "Me"}'
sed -n 's/^    \(curl .*\)/\1/p' "$root/README.md" | sed "s|http://127.0.0.1:4200|$URL|" >command
if [ "$(wc -l <command)" = 1 ]; then ok 'README.md shows one curl command'; else not_ok 'README.md shows one curl command'; fi
sh ./command >out 2>progress
if grep -qF '"name":"Me"' out; then ok 'which gives the state'; else not_ok 'which gives the state'; fi
kill "$server"
wait "$server"
server=''
