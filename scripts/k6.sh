#!/usr/bin/env bash
# The journey in k6 against a running demo, or against TARGET=https://shop.example.
# Uses the k6 on the path; without one, builds it with Go into .tools.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if ! have k6; then
    have go || die "k6 is missing: install it (https://grafana.com/docs/k6/latest/set-up/install-k6/), or install Go 1.21 or newer and run this again to build it."
    go="$(go env GOVERSION)"
    at_least "${go#go}" 1.21 ||
        die "$go is too old to build k6: install Go 1.21 or newer, or k6 itself, and run this again."
    say "building k6 $K6 (once, a few minutes)"
    GOBIN="$TOOLS/bin" go install "go.k6.io/k6@$K6" ||
        die "k6 could not be built: install it from https://grafana.com/docs/k6/latest/set-up/install-k6/ and run this again."
fi

if [ -n "${TARGET:-}" ]; then
    exec k6 run -e "TARGET=$TARGET" "$@" "$ROOT/loadtest/k6/journey.js"
fi

need_cargo
# shellcheck disable=SC2046
apt_install $(missing_to_run)
say "building vestibule"
build build --release --locked -p vestibule
"$ROOT/target/release/vestibule" demo --visitors 0 --stock 100 --batch 100 --every 1 \
    --capacity 300 --listen 127.0.0.1:8088 --operator 127.0.0.1:9088 &
demo=$!
trap 'kill "$demo" 2>/dev/null; wait "$demo" 2>/dev/null' EXIT
for _ in $(seq 100); do
    curl -fsS -o /dev/null http://127.0.0.1:8088/_wr/status/demo 2>/dev/null && break
    kill -0 "$demo" 2>/dev/null || die "The demo did not start (see above)."
    sleep 0.1
done
say "k6 against http://127.0.0.1:8088"
k6 run -e TARGET=http://127.0.0.1:8088 "$@" "$ROOT/loadtest/k6/journey.js"
