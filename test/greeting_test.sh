#!/bin/sh
# What `reaktor serve` says first: to a program one line, to a person on a terminal what to do next, and to everybody
# that there is no account yet.
set -u
work=$(mktemp -d)
cd "$work" || exit 1
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN REAKTOR_CREATE
server=''
trap 'kill "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    sed 's/^/    /' out errors
}
says() { if grep -qF -- "$2" "${3:-out}"; then ok "$1"; else not_ok "$1"; fi; }
silent() { if [ -s "${2:-errors}" ]; then not_ok "$1"; else ok "$1"; fi; }

# listen WORDS...: what a server of `data` says until it can be asked; it is stopped then.
listen() {
    : >out
    "$@" >out 2>errors </dev/null &
    server=$!
    n=0
    until grep -q "${until:-listening}" out || [ "$n" -ge 200 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    kill "$server"
    wait "$server"
    server=''
}
serve() { listen "$REAKTOR" serve --data data --port 0 "$@"; }
terminal() { listen script -qefc "exec $REAKTOR serve --data data --port 0 $*" /dev/null; }

mkdir data
serve
says 'a folder without an account is served' 'listening on http://127.0.0.1:'
says 'and how to make one is said' '`reaktor init --data data` makes one' errors
serve --json
says 'to a program as JSON' '{"listening":"http://127.0.0.1:'
says 'both of it' '{"note":"there is no account here yet' errors
serve --create anyone
silent 'where anyone may found one it is as it should be'

"$REAKTOR" --data data init >/dev/null
serve
silent 'with an account nothing is said on standard error'
if [ "$(wc -l <out)" = 1 ]; then ok 'and one line to a program'; else not_ok 'and one line to a program'; fi

if ! command -v script >/dev/null; then
    echo 'skip - on a terminal: script is not installed'
    exit
fi
until='to end'
terminal
says 'on a terminal: the accounts' 'accounts   default'
says 'how to get a token' 'reaktor token owner --account default --data data'
says 'where to ask' '/v1/default'
says 'and where to read on' 'docs/api.md'
for name in a b c d e f g; do "$REAKTOR" --data "data/accounts/$name" init --account "$name" >/dev/null; done
mkdir data/accounts/Empty data/accounts/half
terminal
says 'of many accounts some are named' 'default, '
says 'and the others counted, without folders that are none' ' and 3 more'
until='listening'
terminal --json
if grep -q accounts out; then not_ok '--json has no advice'; else ok '--json has no advice'; fi
