#!/bin/sh
# The Dockerfile without Docker: what it copies is there, what it installs is what the program needs and no more, who it
# runs as is not root, and its health check tells a server that answers from one that does not.
#
# IMAGE=1 also does its build in a fresh Debian, by debootstrap and chroot, and asks the server in there: minutes, as root.
set -u
root=$PWD
work=$(mktemp -d)
unset REAKTOR_DATA REAKTOR_PORT REAKTOR_LISTEN
server=''
trap 'kill "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT

ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1 ($2, not $3)"; fi; }
lines() { sed -n "s/^$1 //p" Dockerfile; }
runtime=$(sh tools/deps.sh list runtime)

# ---- what it copies
for source in $(lines COPY | grep -v -e --from=build | awk '{ NF--; print }'); do
    if [ -e "$source" ]; then ok "$source is there to be copied"; else not_ok "$source is there to be copied"; fi
done
needed='Makefile modules.txt src tools examples'
for source in $needed; do
    if grep -qx "!$source" .dockerignore && [ -e "$source" ]; then ok "$source goes into the build"; else
        not_ok "$source goes into the build"
    fi
done
same '.dockerignore leaves all else out' "$(grep -vc '^#' .dockerignore)" $(($(echo "$needed" | wc -w) + 1))
same 'it takes the program that make builds' "$(lines COPY | sed -n 's,^--from=build /src/\([^ ]*\).*,\1,p')" build/reaktor
if grep -E '^RUN' Dockerfile | grep -q 'apt-get install'; then not_ok 'every apt line is in tools/deps.sh'; else
    ok 'every apt line is in tools/deps.sh'
fi
for what in build runtime; do
    if lines RUN | grep -q "deps.sh $what"; then ok "it installs what tools/deps.sh has for $what"; else
        not_ok "it installs what tools/deps.sh has for $what"
    fi
done

# ---- the packages of the second stage
if command -v objdump >/dev/null && command -v dpkg-query >/dev/null; then
    for library in $(objdump -p build/reaktor | awk '$1 == "NEEDED" { print $2 }'); do
        path=$(ldd build/reaktor | awk -v name="$library" '$1 == name { print $3 }')
        dpkg-query -S "$(realpath "$path")" 2>/dev/null || dpkg-query -S "$path"
    done | sed 's/:.*//' | sort -u >"$work/owners"
    printf '%s\n' $runtime | grep -vx tzdata | sort >"$work/named"
    same 'the packages are those that own its libraries' "$(tr '\n' ' ' <"$work/named")" "$(tr '\n' ' ' <"$work/owners")"
else
    echo 'skip - the packages that own its libraries: objdump or dpkg-query is not here'
fi
if command -v apt-cache >/dev/null && apt-cache show libc6 >/dev/null 2>&1; then
    for package in $runtime $(sh tools/deps.sh list build); do
        if apt-cache show "$package" >/dev/null 2>&1; then ok "apt knows $package"; else not_ok "apt knows $package"; fi
    done
else
    echo 'skip - apt knows no packages here'
fi

# ---- who runs it
user=$(lines USER)
case $user in
0 | 0:* | root* | '') not_ok "it does not run as root ($user)" ;;
*) ok "it does not run as root ($user)" ;;
esac
same 'the user has a fixed number' "$(lines RUN | grep -c -e "--uid ${user%:*} --gid ${user#*:}")" 1
data=$(lines ENV | tr ' ' '\n' | sed -n 's/^REAKTOR_DATA=//p')
same 'its data is a volume' "$(lines VOLUME)" "$data"
port=$(lines ENV | tr ' ' '\n' | sed -n 's/^REAKTOR_PORT=//p')
same 'its port is said' "$(lines EXPOSE)" "$port"

# ---- what it starts, and what it asks, with its words
words=$(lines ENTRYPOINT)$(lines CMD)
same 'it starts the server' "$words" '["reaktor"]["serve"]'
check=$(lines HEALTHCHECK | sed 's/.* CMD //')
mkdir "$work/bin" "$work/data" && ln -s "$REAKTOR" "$work/bin/reaktor"
healthy() { (cd "$work" && env PATH="$work/bin:$PATH" REAKTOR_PORT="$1" sh -c "$check") >"$work/out" 2>&1; }
env $(lines ENV) REAKTOR_DATA="$work/data" REAKTOR_PORT=0 REAKTOR_LISTEN=127.0.0.1 "$REAKTOR" serve >"$work/serving" \
    2>"$work/errors" </dev/null &
server=$!
tries=0
until [ -s "$work/serving" ] || [ "$tries" -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
port=$(sed -n 's|^listening on http://127.0.0.1:||p' "$work/serving")
healthy "$port"
same "a running server is healthy: $check" $? 0
"$REAKTOR" health --url "http://localhost:$port/" --json >"$work/out" 2>&1
same 'also by its address' "$? $(cat "$work/out")" '0 {"status":"ready"}'
"$REAKTOR" --data "$work/data" init >/dev/null 2>&1
token=$("$REAKTOR" --data "$work/data" token owner)
same 'an account that is made while it runs is served' "$(curl -s -o /dev/null -w '%{http_code}' \
    -H "Authorization: Bearer $token" "http://127.0.0.1:$port/v1/default")" 200
kill "$(lines STOPSIGNAL | sed 's/^SIG/-/')" "$server"
wait "$server"
same 'its stop signal ends it well' $? 0
server=''
healthy "$port"
same 'a server that has ended is not healthy' $? 1
"$REAKTOR" health --url "http://127.0.0.1:$port" >"$work/out" 2>&1
same 'and the command says so by exit code 3' $? 3
if command -v perl >/dev/null; then
    perl -MIO::Socket::INET -e '$| = 1;
        my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 0) or die;
        print $listener->sockport, "\n";
        my $caller = $listener->accept;
        while (<$caller>) { last if /^\r\n$/ }
        print $caller "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";' >"$work/busy" </dev/null &
    server=$!
    tries=0
    until [ -s "$work/busy" ] || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    "$REAKTOR" health --url "http://127.0.0.1:$(cat "$work/busy")" >"$work/out" 2>&1
    same 'a server that is stopping is not healthy' "$? $(grep -c 'answers 503' "$work/out")" '3 1'
    kill "$server" 2>/dev/null
    wait "$server"
    server=''
else
    echo 'skip - a server that is stopping: perl is not here to play it'
fi
for url in https://127.0.0.1 127.0.0.1:4200 'http://' 'http://[::1' http://name:80 http://127.0.0.1:0 http://127.0.0.1:70000 \
    http://127.0.0.1:80/path; do
    "$REAKTOR" health --url "$url" >"$work/out" 2>&1
    same "$url is not understood" $? 2
done

# ---- the whole build, where it is asked for
if [ -z "${IMAGE:-}" ] || ! command -v debootstrap >/dev/null || [ "$(id -u)" != 0 ]; then
    echo 'skip - the build in a fresh Debian: IMAGE=1, debootstrap and root are needed'
    exit
fi
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
fresh() { # fresh FOLDER: a Debian with nothing in it, that reaches the mirror as this machine does
    debootstrap --variant=minbase bookworm "$1" ${mirror:+"$mirror"} >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
    cp /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null
    cp /etc/apt/apt.conf.d/* "$1/etc/apt/apt.conf.d/"
}
# steps N FOLDER: the N-th stage's RUN lines, in their order.
steps() {
    awk -v stage="$1" '/^FROM/ { n++ } n == stage && /^RUN/ { sub(/^RUN /, ""); print }' Dockerfile >"$work/steps"
    while IFS= read -r step; do
        if chroot "$2" sh -c "cd /src 2>/dev/null; $step" >"$work/out" 2>&1 </dev/null; then ok "stage $1: $step"; else
            tail -n 20 "$work/out"
            not_ok "stage $1: $step"
        fi
    done <"$work/steps"
}
if ! fresh "$work/one"; then
    echo 'skip - the build in a fresh Debian: debootstrap does not reach a mirror'
    exit
fi
cp -a "$work/one" "$work/two"
mkdir "$work/one/src"
for source in $needed; do cp -r "$root/$source" "$work/one/src/"; done
steps 1 "$work/one"
cp tools/deps.sh "$work/two/tmp/deps.sh"
steps 2 "$work/two"
cp "$work/one/src/build/reaktor" "$work/two/usr/local/bin/reaktor"
# The shell that calls it becomes it, so that a signal to a job reaches the server.
inside() { exec chroot --userspec="$user" "$work/two" env $(lines ENV) REAKTOR_PORT="$port" REAKTOR_LISTEN=127.0.0.1 "$@"; }
same 'in there its user owns the data' "$(chroot --userspec="$user" "$work/two" stat -c %u:%g "$data")" "$user"
: >"$work/serving"
inside reaktor serve >"$work/serving" 2>"$work/errors" </dev/null &
server=$!
tries=0
until [ -s "$work/serving" ] || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
(inside sh -c "$check") >"$work/out" 2>&1
same 'the server in there is healthy' $? 0
(inside reaktor init) >"$work/out" 2>&1
same 'an account is made in there' $? 0
token=$(inside reaktor token owner)
same 'and served' "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
    "http://127.0.0.1:$port/v1/default")" 200
kill "$server"
wait "$server"
same 'and ends well' $? 0
server=''
