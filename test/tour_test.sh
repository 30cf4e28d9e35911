#!/bin/sh
# The guided run of `make tour` goes through, and ends in what it promises.
set -u
out=$(sh examples/tour.sh 2>&1)
status=$?
if [ $status -eq 0 ]; then echo 'ok - the guided run ends well'; else
    echo "$out"
    echo "not ok - the guided run ends well (exit $status)"
fi
expect() {
    case $out in
    *"$1"*) echo "ok - it shows: $1" ;;
    *) echo "not ok - it shows: $1" ;;
    esac
}
expect 'URGENT. The plan: coffee at five.'
expect 'All three have the same state hash for both.'
expect '"text": "The plan: tea at four."'
expect '0 findings: all as it should be'
expect 'build/reaktor init'
