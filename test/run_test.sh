#!/bin/sh
# `make run` from outside: it fills an account once, prints three commands that work as they stand, goes on serving,
# ends well by Ctrl-C and SIGTERM, and says what to do when it cannot start.
set -u
work=$(mktemp -d)
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN PORT FRESH
export DEMO="$work/demo"
runner=''
trap 'kill "$runner" 2>/dev/null; wait; rm -rf "$work"' EXIT

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    sed 's/^/    /' "$work/out"
}
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
says() { if grep -qF -- "$2" "${3:-$work/out}"; then ok "$1"; else not_ok "$1"; fi; }
says_not() { if grep -qF -- "$2" "$work/out"; then not_ok "$1"; else ok "$1"; fi; }

# await TEXT: until the run has printed it, for a minute at most.
await() {
    n=0
    until grep -qF -- "$1" "$work/out" || ! kill -0 "$runner" 2>/dev/null || [ "$n" -ge 600 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    grep -qF -- "$1" "$work/out"
}
# start: a run on any free port. A script's background jobs ignore SIGINT, which a person's do not: env takes that back.
start() {
    : >"$work/out"
    env --default-signal=INT PORT=0 "$@" sh examples/run.sh >"$work/out" 2>&1 </dev/null &
    runner=$!
    await 'Ctrl-C ends it'
}
# stop SIGNAL: its exit code in $code.
stop() {
    kill -"$1" "$runner"
    code=0
    wait "$runner" || code=$?
    runner=''
}
log_size() { "$REAKTOR" --data "$DEMO/accounts/demo" log --json | wc -l; }

# ---- the first run
if start; then ok 'it serves'; else not_ok 'it serves'; fi
says 'it fills the account first' 'Filling the account demo, once'
events=$(log_size)
if [ "$events" -ge 100 ]; then ok "some hundred events ($events)"; else not_ok "some hundred events ($events)"; fi
modules=$("$REAKTOR" --data "$DEMO/accounts/demo" module list --json)
for file in examples/modules/*.json; do
    name=$(basename "$file" .json)
    case $modules in *"\"$name\""*) ok "the module $name is there" ;; *) not_ok "the module $name is there" ;; esac
done

# ---- the three commands, as printed
grep '^curl ' "$work/out" >"$work/commands"
same 'three commands are printed' "$(wc -l <"$work/commands")" 3
paste_in() { # paste_in N: as if into a shell elsewhere
    (cd / && sed -n "$1p" "$work/commands" | env -i PATH="$PATH" sh) >"$work/answer" 2>"$work/progress" ||
        not_ok "command $1 ends well"
}
paste_in 1
says 'a state: the text that two have written' 'Monsoon menu. Masala chai 20, filter coffee 30.' "$work/answer"
paste_in 2
says 'a query: what is running low' '{"id":"kokum","version":3,"state":{"name":"Kokum syrup, 750 ml","stock":12}}' "$work/answer"
if grep -q 'masala-chai' "$work/answer"; then not_ok 'and nothing else'; else ok 'and nothing else'; fi
paste_in 3
says 'an append: its receipt' '"entity":"coin/inr"' "$work/answer"
same 'the log has it' "$(log_size)" $((events + 1))

# ---- it is not started twice
out=$(PORT=0 sh examples/run.sh 2>&1 </dev/null)
same 'a second run of the same folder is refused' $? 1
case $out in *'is served already'*'make run DEMO='*) ok 'and says what to do' ;; *) not_ok "and says what to do: $out" ;; esac
port=$(sed -n 's|.*http://127.0.0.1:\([0-9]*\)$|\1|p' "$work/out" | head -n 1)
out=$(DEMO="$work/other" PORT="$port" sh examples/run.sh 2>&1 </dev/null)
same 'a port that is taken is refused' $? 1
case $out in *"Port $port is taken"*"make run PORT="*) ok 'and says what to do' ;; *) not_ok "and says what to do: $out" ;; esac
if [ -e "$work/other" ]; then not_ok 'and nothing was made'; else ok 'and nothing was made'; fi
out=$(PORT=http sh examples/run.sh 2>&1 </dev/null)
same 'a port that is none is refused' $? 1

# ---- its end, and the next run
stop INT
same 'Ctrl-C ends it with 0' "$code" 0
says 'it says that it has ended' "What it holds stays in $DEMO"
first=$("$REAKTOR" --data "$DEMO/accounts/demo" log --json --limit 1)
if start; then ok 'a second run serves'; else not_ok 'a second run serves'; fi
says_not 'it fills nothing again' 'Filling'
same 'it is the same account' "$("$REAKTOR" --data "$DEMO/accounts/demo" log --json --limit 1)" "$first"
same 'with what was appended' "$(log_size)" $((events + 1))
grep '^curl ' "$work/out" >"$work/commands"
paste_in 1
says 'its commands work' 'Monsoon menu.' "$work/answer"
stop TERM
same 'SIGTERM ends it with 0' "$code" 0
if "$REAKTOR" --data "$DEMO/accounts/demo" verify >"$work/out" 2>&1; then ok 'all verifies'; else not_ok 'all verifies'; fi

# ---- beginning anew
if start FRESH=1; then ok 'FRESH=1 serves'; else not_ok 'FRESH=1 serves'; fi
says 'and fills the account again' 'Filling'
same 'with nothing of the last' "$(log_size)" "$events"
rm "$DEMO/seeded"
stop INT
if start; then ok 'a filling that did not end'; else not_ok 'a filling that did not end'; fi
says 'is begun anew' 'Filling'
stop INT
mkdir "$work/mine" && : >"$work/mine/letter"
out=$(DEMO="$work/mine" FRESH=1 PORT=0 sh examples/run.sh 2>&1 </dev/null)
same 'a folder of somebody else is refused' $? 1
if [ -e "$work/mine/letter" ]; then ok 'and left as it is'; else not_ok 'and left as it is'; fi

# ---- from make, on a terminal
printf 'run:\n\t@sh examples/run.sh\n' >"$work/Makefile"
if ! command -v script >/dev/null; then
    echo 'skip - Ctrl-C on a terminal: script is not installed'
    exit
fi
mkfifo "$work/keys"
: >"$work/out"
env --default-signal=INT MAKEFLAGS= MAKELEVEL= PORT=0 script -qefc "make -f $work/Makefile run" /dev/null <"$work/keys" >"$work/out" 2>&1 &
runner=$!
exec 3>"$work/keys"
if await 'Ctrl-C ends it'; then ok 'make serves on a terminal'; else not_ok 'make serves on a terminal'; fi
printf '\003' >&3
code=0
wait "$runner" || code=$?
runner=''
exec 3>&-
same 'Ctrl-C on a terminal ends make with 0' "$code" 0
says 'and the server ends' 'The server has ended'
