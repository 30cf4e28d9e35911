#!/bin/sh
# docs/modules.md word by word: its JSON blocks are saved under the names that the text gives them, its commands are run
# in the order in which they stand there, and print what it shows. "..." on the page stands for any text.
set -u
page=$PWD/docs/modules.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/run" && ln -s "$REAKTOR" "$work/bin/reaktor"
PATH=$work/bin:$PATH
export REAKTOR_DATA="$work/data"
cd "$work/run" || exit 1

# Files, and commands with the lines that are expected of each: N.command, N.expected.
awk -v out="$work" '
    match($0, /[Ss]ave (this|the file) as `[a-z0-9.-]+`/) { name = substr($0, RSTART, RLENGTH); gsub(/.*as `|`/, "", name) }
    /^```json$/ { file = out "/run/" name; next }
    /^```console$/ { console = 1; next }
    /^```$/ { file = ""; console = 0; next }
    file != "" { print > file; next }
    console && /^\$ / { count++; print substr($0, 3) > (out "/" count ".command"); printf "" > (out "/" count ".expected"); next }
    console { print > (out "/" count ".expected") }
    END { print count > (out "/count") }
' "$page"

# Whether the file $1 has the lines of the pattern file $2.
matches() {
    awk '
        function quote(text) { gsub(/[][\\.^$*+?(){}|\/]/, "\\\\&", text); return text }
        NR == FNR { line = quote($0); gsub(/\\\.\\\.\\\./, ".*", line); pattern = pattern line "\n"; next }
        { text = text $0 "\n" }
        END { gsub(/\n\.\*\n/, "\n(.*\n)?", pattern); sub(/^\.\*\n/, "(.*\n)?", pattern); exit text ~ ("^" pattern "$") ? 0 : 1 }
    ' "$2" "$1"
}

[ -s poll.json ] && [ -s poll-2.json ] && echo 'ok - the page has its modules' || echo 'not ok - the page has its modules'
n=1
while [ "$n" -le "$(cat "$work/count")" ]; do
    sh -c "$(cat "$work/$n.command")" >"$work/out" 2>&1
    if matches "$work/out" "$work/$n.expected"; then echo "ok - $(cat "$work/$n.command")"; else
        echo "not ok - $(cat "$work/$n.command")"
        diff "$work/$n.expected" "$work/out"
    fi
    n=$((n + 1))
done
