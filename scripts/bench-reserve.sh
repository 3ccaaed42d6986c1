#!/usr/bin/env bash
# How fast a reservation is over HTTP, beside redis-benchmark with the very same script and beside
# Express with ioredis: the sides take turns on the same cores, so that what else the machine does
# falls on all of them. Arguments go to loadtest/baseline/bench.mjs, for example
#   scripts/bench-reserve.sh --rounds 5 --only success,sold-out --json bench.json
# Loopback only; ends what it starts; leaves nothing but the JSON.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
wanted=()
# shellcheck disable=SC2207
wanted+=($(missing_to_run))
have redis-benchmark || wanted+=(redis-tools)
have node || wanted+=(nodejs)
have npm || wanted+=(npm)
apt_install "${wanted[@]}"
[ "$(nproc)" -ge 2 ] || die "This needs two cores: one for the server, one for the client."

baseline="$ROOT/loadtest/baseline"
if ! (cd "$baseline" && npm ls --silent >/dev/null 2>&1); then
    say "fetching Express and ioredis"
    (cd "$baseline" && npm ci --no-audit --no-fund --silent) ||
        die "npm could not fetch what $baseline/package-lock.json names: connect once to the internet."
fi
say "building"
build build --release --locked -p vestibule
build build --release --locked -p loadtest --example bench-reserve
exec node "$baseline/bench.mjs" "$@"
