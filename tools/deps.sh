#!/bin/sh
# Installs the Debian packages that the build, the tests and the tidy checks need. Quiet, quick and offline when all
# are there; never asks. Runs as root, or through sudo when not.
set -eu

# compiler and libraries of the program, with the time zones that it reads, then of the tests, then of the checks
packages="gcc libc6-dev pkg-config libsodium-dev libsqlite3-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev zlib1g-dev tzdata
    clang-14 libclang-rt-14-dev libcmocka-dev sqlite3 procps curl openssl
    clang-format-14 lld-14 libclang-rt-14-dev-wasm32 wasi-libc"

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
echo "Installing:$missing"
log=$(mktemp)
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 $missing; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "Could not install:$missing" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
