#!/usr/bin/env bash
# The purchase side under fault, in large: builds, kills, judges (docs/chaos.md).
# Arguments go to `vestibule chaos`; `make chaos CHAOS="--kills 50 --seed 7"` passes them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
# shellcheck disable=SC2046
apt_install $(missing_to_run)
say "building vestibule"
build build --release --locked -p vestibule
exec "$ROOT/target/release/vestibule" chaos "$@"
