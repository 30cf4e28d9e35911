#!/bin/sh
# client/api.ts passes the compiler at its strictest, and speaks with the server: client/api_test.ts, run by node.
#
# node and npm are for this test alone, so tools/deps.sh leaves them out: without node 20, or where npm reaches no
# registry for the compiler that package-lock.json names, it skips.
set -u
root=$PWD
work=$(mktemp -d)
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN
server=''
trap 'kill "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT

skip() {
    echo "skip - $1"
    exit 0
}
command -v node >/dev/null && command -v npm >/dev/null || skip 'the TypeScript client: node or npm is not installed'
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || skip 'the TypeScript client: node is older than 20'
if [ ! -x node_modules/.bin/tsc ] && ! npm ci --no-audit --no-fund >"$work/npm" 2>&1; then
    sed 's/^/    npm: /' "$work/npm"
    skip 'the TypeScript client: npm could not install the compiler'
fi

if npm run --silent typecheck >"$work/out" 2>&1; then echo 'ok - the client passes the compiler'; else
    cat "$work/out"
    echo 'not ok - the client passes the compiler'
fi
# A compiler that takes anything would pass the client too.
cp -r client "$work/client"
echo 'import { Client } from "./api.js"; new Client("x").state_get({ account: 1, module: "m", id: "i" });' >"$work/client/bad.ts"
if node_modules/.bin/tsc -p "$work/client" --noEmit >"$work/out" 2>&1; then echo 'not ok - and refuses a wrong call'; else
    if grep -q "bad.ts.*'number' is not assignable" "$work/out"; then echo 'ok - and refuses a wrong call'; else
        cat "$work/out"
        echo 'not ok - and refuses a wrong call'
    fi
fi

if ! node_modules/.bin/tsc -p client --outDir "$work/js" >"$work/out" 2>&1; then
    cat "$work/out"
    echo 'not ok - the client compiles'
    exit 1
fi
echo '{"type":"module"}' >"$work/js/package.json"
r() { "$REAKTOR" --data "$work/data" "$@" >/dev/null 2>&1; }
r init && r module add examples/modules/profile.json && r module add examples/modules/coin.json ||
    echo 'not ok - an account for it'
"$REAKTOR" --data "$work/data" serve --port 0 >"$work/serving" 2>"$work/errors" </dev/null &
server=$!
tries=0
until [ -s "$work/serving" ] || [ "$tries" -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
base=$(sed -n 's/^listening on //p' "$work/serving")
token=$("$REAKTOR" --data "$work/data" token owner)
if timeout 60 node "$work/js/api_test.js" "$base" "$token"; then echo 'ok - its test ends well'; else
    echo "not ok - its test ends well (exit $?)"
fi
kill "$server"
wait "$server"
status=$?
server=''
if [ "$status" = 0 ]; then echo 'ok - the server ends well'; else echo "not ok - the server ends well ($status)"; fi
