# For the scripts that ask a server with curl: a folder of their own, the server in it, and what a check prints. Sourced
# at the top, from the root of the repository, whose path is then $root.
root=$PWD
work=$(mktemp -d)
cd "$work" || exit 1
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN REAKTOR_CREATE
server=""
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    [ -f body ] && sed 's/^/    body: /' body | head -c 2000
}

# start ARGUMENTS...: the server of the folder `data`, on any free port; its address in $base, what it says in `errors`.
start() {
    : >serving
    "$REAKTOR" serve --data data --port 0 "$@" >serving 2>>errors &
    server=$!
    n=0
    while [ ! -s serving ] && [ "$n" -lt 100 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    base=$(sed -n 's/^listening on //p' serving)
}
stop() {
    kill "$server"
    wait "$server"
}

# judge STATUS CODE NAME: whether the status in $got is that, and the code in `body` is that when CODE is not -.
judge() {
    if [ "$got" != "$1" ]; then
        not_ok "$3 (status $got, not $1)"
    elif [ "$2" != - ] && ! grep -q "\"code\":\"$2\"" body; then
        not_ok "$3 (not $2)"
    else
        ok "$3"
    fi
}
says() { if grep -qF -- "$2" body; then ok "$1"; else not_ok "$1 (no $2)"; fi; }
