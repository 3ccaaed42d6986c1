# Shared by the scripts beside it: how they speak, and how they get what is missing.
#
# Nothing here touches the network or asks for root while nothing is missing, so a second run works
# offline and as anybody. What cannot be had ends in one sentence that says what to do.

# shellcheck shell=bash
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TOOLS="$ROOT/.tools"
CARGO_DENY=0.20.2
export PATH="$TOOLS/bin:$PATH:/usr/sbin:/sbin"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Whether version $1 is at least version $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# cargo, and not older than the workspace says.
need_cargo() {
    local wanted found
    wanted="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")"
    have cargo || die "cargo is missing: install Rust $wanted or newer from https://rustup.rs and run this again."
    found="$(cd "$ROOT" && cargo --version | awk '{ print $2 }')"
    at_least "$found" "$wanted" ||
        die "cargo $found is too old: run 'rustup update stable' (or install Rust $wanted or newer from https://rustup.rs) and run this again."
}

# Installs Debian packages, but only those asked for: callers ask for what they did not find.
apt_install() {
    [ "$#" -gt 0 ] || return 0
    have apt-get || die "Please install $* with your system's package tool and run this again."
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || die "Please install $* as root (apt-get install $*) and run this again: there is no sudo here."
        as_root=(sudo)
    fi
    say "installing $*"
    # Debian starts services as soon as they are installed. Ours are private children, so a
    # stranger on port 6379 is of no use: this file, while it exists, says "do not start".
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null &&
            "${as_root[@]}" chmod 755 "$policy" && made=yes
    fi
    local done=yes
    "${as_root[@]}" apt-get update -qq || done=
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null || done=
    [ -z "$made" ] || "${as_root[@]}" rm -f "$policy"
    [ -n "$done" ] || die "Installing $* failed (see above): install them by hand and run this again."
}

# What building and running needs beside cargo, as Debian packages that are missing.
missing_to_run() {
    have redis-server || have valkey-server || echo redis-server
    have setpriv || echo util-linux
    have cc || echo gcc libc6-dev
}

# Runs cargo; when crates are missing and the registry is out of reach, that is one sentence.
# With a complete cache and the committed lock file cargo does not touch the network at all.
build() {
    (cd "$ROOT" && cargo "$@") ||
        die "'cargo $*' failed (see above). If crates could not be fetched: connect once to the internet, later runs need no network."
}
