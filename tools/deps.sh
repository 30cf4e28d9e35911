#!/bin/sh
# Installs Debian packages that are missing. Quiet, quick and offline when all are there; never asks. Runs as root, or
# through sudo when not.
#
#     tools/deps.sh                what the build, the tests and the tidy checks need
#     tools/deps.sh build          what building the program alone needs
#     tools/deps.sh runtime        what running it needs, where it was built elsewhere: the libraries and the time zones
#     tools/deps.sh bench          what `make bench` measures beside; no service of theirs is started
#     tools/deps.sh list WHAT      prints the names, and installs nothing
set -eu

# make's own line is for an image that has not even that; a machine that runs `make deps` has it.
packages_build="make gcc libc6-dev pkg-config libsodium-dev libsqlite3-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev
    nettle-dev zlib1g-dev tzdata"
packages_test="clang-14 libclang-rt-14-dev libcmocka-dev sqlite3 procps curl openssl"
packages_check="clang-format-14 lld-14 libclang-rt-14-dev-wasm32 wasi-libc"
packages_runtime="libc6 libsodium23 libsqlite3-0 libjansson4 libmicrohttpd12 libgnutls30 libnettle8 zlib1g tzdata"
packages_bench="postgresql-15 redis-server"

only_list=''
[ "${1:-}" != list ] || { only_list=yes && shift; }
case ${1:-all} in
all) packages="$packages_build $packages_test $packages_check" ;;
build) packages=$packages_build ;;
runtime) packages=$packages_runtime ;;
bench) packages=$packages_bench ;;
*)
    echo "usage: tools/deps.sh [list] [build | runtime | bench]" >&2
    exit 2
    ;;
esac
if [ -n "$only_list" ]; then
    printf '%s\n' $packages
    exit 0
fi

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "This is no Debian system: install what these packages hold by hand, if it is not there:" $packages >&2
    exit 0
fi

missing=""
present=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $packages 2>/dev/null | sed -n 's/^ii *//p' || true)
for package in $packages; do
    printf '%s\n' "$present" | grep -qx "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "Run as root: apt-get install$missing" >&2; exit 1; }
    as_root="sudo -n"
fi

# Debian asks policy-rc.d before it starts a service that was just installed: 101 is no. One that is there stays.
policy=/usr/sbin/policy-rc.d own_policy='' log=''
clean_up() {
    [ -z "$own_policy" ] || $as_root rm -f "$policy"
    [ -z "$log" ] || rm -f "$log"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
if [ "${1:-}" = bench ] && [ ! -e "$policy" ]; then
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

echo "Installing:$missing"
log=$(mktemp)
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 $missing; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "Could not install:$missing" >&2
    exit 1
fi
