#!/usr/bin/env bash
# Confirms per second with the ledger's commit awaited, into PostgreSQL and into SQLite:
#   scripts/bench-confirms.sh [CONFIRMS [IN_FLIGHT [RUNS]]]
# Everything is started for it and ends with it. The client shares the machine with what it
# measures, and so does whatever else runs: take the best run and say so.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
# shellcheck disable=SC2046
apt_install $(missing_to_run)
have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || apt_install postgresql
say "building vestibule"
build build --release --locked -p vestibule
build build --release --locked -p loadtest --example confirms
say "$(nproc) cores, $(postgres --version 2>/dev/null || echo PostgreSQL), $(redis-server --version | cut -d' ' -f3)"
exec "$ROOT/target/release/examples/confirms" "$@"
