#!/bin/sh
# Every command that README.md shows works as written, in the order in which it stands there.
set -u
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/build" && ln -s "$REAKTOR" "$work/build/reaktor" && ln -s "$root/examples" "$work/examples"
cd "$work" || exit 1
unset REAKTOR_DATA
grep '^    build/reaktor ' "$root/README.md" >commands
while IFS= read -r command; do
    if sh -c "$command" >out 2>&1; then echo "ok - $command"; else
        cat out
        echo "not ok - $command"
    fi
done <commands
if [ "$(build/reaktor --data phone pending --json)" = "" ]; then echo 'ok - in the end nothing is pending'; else
    echo 'not ok - in the end nothing is pending'
fi
