#!/usr/bin/env bash
# The served OpenAPI document against the running program: schemathesis sends what the document
# allows and what it forbids, follows its links, and compares every answer. Visitors' routes through
# the gateway and at the purchase service itself, operators' routes on their listener.
# EXAMPLES=500 looks longer, SEED=7 elsewhere; further arguments go to schemathesis.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

here="$ROOT/scripts/schemathesis"
st="$TOOLS/schemathesis/bin/schemathesis"
cmp -s "$here/requirements.txt" "$TOOLS/schemathesis/pins" || "$ROOT/scripts/test-tools.sh"
vestibule="${VESTIBULE_BIN:-$ROOT/target/debug/vestibule}"
[ -x "$vestibule" ] || { need_cargo; build build --locked -p vestibule; }

work="$(mktemp -d)"
children=()
stop() {
    local child
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null && wait "$child" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop EXIT

# start: everything on ports that were free a moment ago; fails if somebody else took one.
start() {
    local shop
    # Taken together, so that they are four different ones.
    read -r gateway purchase operator shop < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in held))')
    # The shop: nobody asks it for anything but whether it is there.
    mkdir -p "$work/shop"
    python3 -m http.server --bind 127.0.0.1 --directory "$work/shop" "$shop" >/dev/null 2>&1 &
    children+=("$!")
    env -i PATH="$PATH" VESTIBULE_LISTEN__PURCHASE="127.0.0.1:$purchase" \
        "$vestibule" serve --config "$here/serve.toml" --data "$work/data" \
        --upstream "http://127.0.0.1:$shop" --listen "127.0.0.1:$gateway" \
        --operator "127.0.0.1:$operator" >"$work/log" 2>&1 &
    serve=$!
    children+=("$serve")
    gateway="http://127.0.0.1:$gateway"
    python3 "$here/visitors.py" in "$gateway" "$serve" >"$work/in"
}
start || start || start || { cat "$work/log" >&2; die "It did not start, or let nobody in (see above)."; }
read -r ENTRY_PASS TICKET <"$work/in"
OPERATOR_TOKEN="$(cat "$work/data/operator-token")"
export ENTRY_PASS TICKET OPERATOR_TOKEN

code=0
# run WHAT CONFIGURATION URL ARGUMENTS...
run() {
    local what="$1" config="$2" url="$3"
    shift 3
    say "$what"
    (cd "$work" && "$st" --config-file "$config" run "$gateway/_wr/openapi.json" --url "$url" \
        --max-examples "${EXAMPLES:-50}" --seed "${SEED:-1}" "$@") || code=1
}
run "visitors, through the gateway" "$here/visitors.toml" "$gateway" \
    --include-tag visitor --include-tag public "$@"
run "visitors, at the purchase service" "$here/visitors.toml" "http://127.0.0.1:$purchase" \
    --include-tag visitor --exclude-path-regex '^/_wr/' "$@"

# Operators act on what visitors made.
{ read -r reservations && read -r orders; } < <(python3 "$here/visitors.py" bought "$gateway" "$ENTRY_PASS" 20) ||
    die "Nothing could be bought."
sed -e "s/^reservations = .*/reservations.values = $reservations/" -e "s/^orders = .*/orders.values = $orders/" \
    "$here/operators.toml" >"$work/operators.toml"
run "operators" "$work/operators.toml" "http://127.0.0.1:$operator" --include-tag operator "$@"

kill -0 "$serve" 2>/dev/null || { code=1; echo "vestibule ended meanwhile."; }
if [ "$code" -ne 0 ] || grep -E ' ERROR |panicked' "$work/log"; then
    cat "$work/log"
    code=1
fi
exit "$code"
