#!/usr/bin/env bash
# From a bare machine to the demo: installs redis-server if there is none, builds, runs.
# Arguments go to `vestibule demo`; `make demo DEMO="--visitors 0"` passes them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
# shellcheck disable=SC2046
apt_install $(missing_to_run)
say "building vestibule"
build build --release --locked -p vestibule
exec "$ROOT/target/release/vestibule" demo "$@"
