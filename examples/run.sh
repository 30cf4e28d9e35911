#!/bin/sh
# A server with something in it, to try things on: `make run` builds the program and starts this.
#
#     PORT=4200 FRESH=1 DEMO=build/demo sh examples/run.sh
#
# The first run makes the account `demo` below DEMO and fills it by examples/seed.sh; later ones find it there. FRESH=1
# begins anew. PORT=0 takes any port that is free. It serves until Ctrl-C or SIGTERM, and ends with 0 then.
set -eu
cd "$(dirname "$0")/.."
reaktor=${REAKTOR:-$PWD/build/reaktor}
port=${PORT:-4200} fresh=${FRESH:-} folder=${DEMO:-build/demo}
account=demo server=''
day=86400

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# --- one server a folder, one program a port

# The lock is held by whoever has the file open: by this script, and by the server that it starts.
take_folder() {
    mkdir -p "$(dirname "$folder")"
    exec 9>"$folder.lock"
    flock -n 9 || fail "$folder is served already, by another \`make run\`." \
        "End that one with Ctrl-C, or take another folder and port: make run DEMO=build/demo2 PORT=4300"
}
# curl's 7: nobody took the connection.
check_port() {
    case $port in *[!0-9]* | '' | ??????*) fail "PORT=$port is no port: it is a number up to 65535." ;; esac
    [ "$port" != 0 ] || return 0
    code=0
    curl -s -m 2 -o /dev/null "http://127.0.0.1:$port/" || code=$?
    [ "$code" = 7 ] || fail "Port $port is taken: another program listens on 127.0.0.1:$port." \
        "End that program, or take another port: make run PORT=$((port + 100))"
}

# --- the account

# Only what this script made is ever removed: a folder with its mark, or one that is not there.
remove_old() {
    [ -e "$folder" ] || return 0
    [ -e "$folder/made-by-make-run" ] || fail "$folder is there, and was not made by \`make run\`: it stays as it is."
    rm -rf "$folder"
}
make_account() {
    mkdir -p "$folder"
    echo 'a demonstration: make run FRESH=1 removes this folder' >"$folder/made-by-make-run"
    "$reaktor" --data "$folder/accounts/$account" init --account "$account" >/dev/null
}

# --- the server

start_server() {
    : >"$folder/serve.out"
    "$reaktor" --data "$folder" serve --listen 127.0.0.1 --port "$port" >"$folder/serve.out" </dev/null &
    server=$!
    tries=0
    while [ ! -s "$folder/serve.out" ]; do
        tries=$((tries + 1))
        kill -0 "$server" 2>/dev/null && [ "$tries" -lt 300 ] ||
            fail "The server did not start; what it said stands above. Another port: make run PORT=$((port + 100))"
        sleep 0.05
    done
    url=$(sed -n 's/^listening on //p' "$folder/serve.out")
}
# What was accepted is finished first; its exit code is that of this script.
stop_server() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    status=0
    while kill -0 "$server" 2>/dev/null; do wait "$server" || status=$?; done
    server=''
    return "$status"
}
end() {
    trap '' INT TERM
    stop_server || exit "$?"
    echo
    echo "The server has ended. What it holds stays in $folder."
    exit 0
}

# On a terminal make gets Ctrl-C as well, and would call the run a failure. A shell with job control leads a process
# group of its own, which has the terminal: then Ctrl-C comes here alone. Not where it runs in the background.
own_terminal() {
    [ -t 0 ] && [ -t 1 ] || return 0
    read -r _ _ _ _ group _ _ front _ <"/proc/$$/stat"
    [ "$group" != "$front" ] || set -m
}

# --- what to do with it

invite() {
    token=$("$reaktor" --data "$folder" token asha --account "$account" --seconds "$day")
    cat <<END_OF_TEXT

Serving the account $account of $folder on $url

Asha's token in these commands is good for a day. In another terminal, a state:

curl -H 'Authorization: Bearer $token' $url/v1/$account/state/document/menu

A query with a filter in CEL, what is running low:

curl -G -H 'Authorization: Bearer $token' --data-urlencode 'where=state.stock < 50' -d select=name,stock $url/v1/$account/query/inventory

An append: she pays Ravi ten rupees.

curl -H 'Authorization: Bearer $token' -H 'Content-Type: application/json' -d '{"events":[{"entity":"coin/inr","type":"transfer","data":{"to":"ravi","amount":1000}}]}' $url/v1/$account/events

Then read on: docs/live.md (streams, filters), docs/api.md (all there is), docs/modules.md (to write a module).
The same from the command line: build/reaktor --data $folder/accounts/$account log
Ctrl-C ends it. The data stays for the next run; make run FRESH=1 begins anew.
END_OF_TEXT
}

take_folder
check_port
[ -z "$fresh" ] || remove_old
[ -e "$folder/seeded" ] || { remove_old && make_account; }
own_terminal
trap end INT TERM
trap 'stop_server || true' EXIT
start_server
if [ ! -e "$folder/seeded" ]; then
    echo "Filling the account $account, once:"
    sh examples/seed.sh "$url" "$folder" "$account" || fail 'The account was not filled; the next run begins anew.'
    : >"$folder/seeded"
fi
invite
wait "$server" || fail "The server ended by itself, with $?."
fail 'The server was told to end by somebody else.'
