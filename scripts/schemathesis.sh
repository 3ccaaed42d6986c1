#!/usr/bin/env bash
# The served OpenAPI document against the running program: schemathesis sends what the document
# allows and what it forbids, follows its links, and compares every answer. Visitors' routes through
# the gateway and at the purchase service itself, operators' routes on their listener; then the same
# while the stock store is away and beyond the limits, so that those refusals are looked at as well.
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

# serve VARIABLE=VALUE...: starts it on the ports that were found.
serve() {
    env -i PATH="$PATH" VESTIBULE_LISTEN__PURCHASE="127.0.0.1:$purchase" "$@" \
        "$vestibule" serve --config "$here/serve.toml" --data "$work/data" \
        --upstream "http://127.0.0.1:$shop" --listen "127.0.0.1:$gateway" \
        --operator "127.0.0.1:$operator" >>"$work/log" 2>&1 &
    serve=$!
    children+=("$serve")
}

# start: everything on ports that were free a moment ago; fails if somebody else took one.
start() {
    # Taken together, so that they are four different ones.
    read -r gateway purchase operator shop < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in held))')
    # The shop: nobody asks it for anything but whether it is there.
    mkdir -p "$work/shop"
    python3 -m http.server --bind 127.0.0.1 --directory "$work/shop" "$shop" >/dev/null 2>&1 &
    children+=("$!")
    serve
    python3 "$here/visitors.py" in "http://127.0.0.1:$gateway" "$serve" >"$work/in"
}
start || start || start || { cat "$work/log" >&2; die "It did not start, or let nobody in (see above)."; }
read -r ENTRY_PASS TICKET <"$work/in"
OPERATOR_TOKEN="$(cat "$work/data/operator-token")"
export ENTRY_PASS TICKET OPERATOR_TOKEN

code=0
# run WHAT CONFIGURATION PORT ARGUMENTS...
run() {
    local what="$1" config="$2" port="$3"
    shift 3
    say "$what"
    (cd "$work" && "$st" --config-file "$config" run "http://127.0.0.1:$gateway/_wr/openapi.json" \
        --url "http://127.0.0.1:$port" --max-examples "${EXAMPLES:-40}" --seed "${SEED:-1}" "$@") || code=1
}
run "visitors, through the gateway" "$here/visitors.toml" "$gateway" \
    --include-tag visitor --include-tag public "$@"
run "visitors, at the purchase service" "$here/visitors.toml" "$purchase" \
    --include-tag visitor --exclude-path-regex '^/_wr/' "$@"

# Operators act on what visitors made.
python3 "$here/visitors.py" bought "http://127.0.0.1:$gateway" "$ENTRY_PASS" 20 >"$work/bought" ||
    die "Nothing could be bought."
{ read -r reservations && read -r orders; } <"$work/bought"
sed -e "s/^reservations = .*/reservations.values = $reservations/" -e "s/^orders = .*/orders.values = $orders/" \
    "$here/operators.toml" >"$work/operators.toml"
run "operators" "$work/operators.toml" "$operator" --include-tag operator "$@"

# The same process again, with the same keys and so the same pass: without a stock store, and with
# hardly any requests allowed. What is refused then must be as the document says, too.
kill "$serve" && wait "$serve" || { code=1; echo "vestibule had ended."; }
serve VESTIBULE_STORES__STOCK=redis://127.0.0.1:9 \
    VESTIBULE_GATEWAY__LIMITS__PERSONAL__PER_SECOND=1 VESTIBULE_GATEWAY__LIMITS__PERSONAL__BURST=1 \
    VESTIBULE_GATEWAY__LIMITS__PER_ADDRESS__PER_SECOND=1 VESTIBULE_GATEWAY__LIMITS__PER_ADDRESS__BURST=1
python3 "$here/visitors.py" up "http://127.0.0.1:$gateway" "$serve" || { code=1; echo "It did not start again."; }
run "buyers, while the stock store is away" "$here/away.toml" "$purchase" --phases examples,coverage \
    --include-tag visitor --exclude-path-regex '^/_wr/' "$@"
# Operators have no pass.
sed '/entryPass/,+1d' "$here/away.toml" >"$work/away.toml"
run "operators, while the stock store is away" "$work/away.toml" "$operator" --phases examples,coverage \
    --include-tag operator "$@"
run "visitors, beyond their limits" "$here/away.toml" "$gateway" --phases examples,coverage \
    --include-tag visitor --include-tag public "$@"

kill -0 "$serve" 2>/dev/null || { code=1; echo "vestibule ended meanwhile."; }
if grep -qF -e "$ENTRY_PASS" -e "$TICKET" -e "$OPERATOR_TOKEN" "$work/log"; then
    echo "A token is in the log."
    code=1
fi
if [ "$code" -ne 0 ] || grep -E ' ERROR |panicked' "$work/log"; then
    cat "$work/log"
    code=1
fi
exit "$code"
