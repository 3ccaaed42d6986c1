#!/usr/bin/env bash
# All checks and tests, one after another. A failed step does not hide the later ones: every step
# runs, and the closing line counts tests and steps. Exit code 0 only if all of them passed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/test-tools.sh"
cd "$ROOT"
results="$ROOT/test-results"
rm -rf "$results"
mkdir -p "$results"
passed=0
failed=0
red=()

# step NAME COMMAND...: one check that passes or fails as a whole.
step() {
    local name="$1" began=$SECONDS
    shift
    say "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        red+=("$name")
    fi
    printf -- '-- %s: %s s\n' "$name" "$((SECONDS - began))"
}

# counted NAME LOG COUNTER COMMAND...: a run of many tests, counted from its own report by COUNTER.
# A run that fails without a failed test (it did not compile, it crashed) counts as one failure.
counted() {
    local name="$1" log="$results/$2" counter="$3" began=$SECONDS code=0 good bad
    shift 3
    say "$name"
    "$@" 2>&1 | tee "$log" || code=$?
    read -r good bad < <("$counter" "$log")
    [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" -eq 0 ] || red+=("$name")
    printf -- '-- %s: %s passed, %s failed, %s s\n' "$name" "$good" "$bad" "$((SECONDS - began))"
}

cargo_count() { awk '/^test result:/ { good += $4; bad += $6 } END { print good + 0, bad + 0 }' "$1"; }
node_count() { awk '$2 == "pass" { good += $3 } $2 == "fail" { bad += $3 } END { print good + 0, bad + 0 }' "$1"; }
browser_tests() { (cd waiting-room-ui/browser && VESTIBULE_BIN="$ROOT/target/debug/vestibule" node --test); }
small_demo() {
    target/debug/vestibule demo --visitors 300 --stock 30 --every 1 --gateways 2 --exit \
        --listen 127.0.0.1:0 --operator 127.0.0.1:0 --json "$results/demo.json"
}


step "formatting" cargo fmt --all --check
step "lints" cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
step "licences, sources, doubled crates" scripts/deny.sh
counted "tests" cargo.log cargo_count cargo test --locked --workspace --no-fail-fast
step "a demo with its judge" small_demo
step "the OpenAPI document against the program" scripts/schemathesis.sh
counted "browser tests" browser.log node_count browser_tests

say "result"
for name in "${red[@]}"; do echo "failed: $name"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
