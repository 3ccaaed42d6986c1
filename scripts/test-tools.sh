#!/usr/bin/env bash
# Installs what the tests need and do not find: Redis, PostgreSQL, a browser, Node.js with the
# browser driver, schemathesis in an environment of its own, cargo-deny. Says and does nothing when
# all is there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
wanted=()
# shellcheck disable=SC2207
wanted+=($(missing_to_run))
# Debian keeps a server's programs off the path.
have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
have chromium || have chromium-browser || have google-chrome || wanted+=(chromium)
have node || wanted+=(nodejs)
have npm || wanted+=(npm)
have python3 || wanted+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
apt_install "${wanted[@]}"

node="$(node --version)"
at_least "${node#v}" 18.0.0 ||
    die "Node.js $node is too old: install 18 or newer and run this again."

for part in rustfmt clippy; do
    have "cargo-${part/rustfmt/fmt}" ||
        { have rustup && rustup component add "$part"; } ||
        die "cargo ${part/rustfmt/fmt} is missing: run 'rustup component add $part' and run this again."
done

if ! cargo deny --version 2>/dev/null | grep -q .; then
    say "building cargo-deny $CARGO_DENY (once, a few minutes)"
    # Unoptimised on purpose: it checks this workspace in a second either way.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked \
        --version "$CARGO_DENY" --root "$TOOLS" cargo-deny ||
        die "cargo-deny could not be installed: connect to the internet or run 'cargo install cargo-deny', and run this again."
fi

# npm ci empties node_modules first: only when the lock file is newer than what it made.
browser="$ROOT/waiting-room-ui/browser"
if [ -f "$browser/package-lock.json" ] &&
    [ "$browser/package-lock.json" -nt "$browser/node_modules/.package-lock.json" ]; then
    say "fetching the browser driver"
    (cd "$browser" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error &&
        touch node_modules/.package-lock.json) ||
        die "The browser driver could not be fetched: connect once to the internet and run this again."
fi

# Made anew when the pins change, so that a second run finds it whole or not at all.
pins="$ROOT/scripts/schemathesis/requirements.txt"
environment="$TOOLS/schemathesis"
if ! cmp -s "$pins" "$environment/pins"; then
    say "fetching schemathesis"
    rm -rf "$environment"
    { python3 -m venv "$environment" &&
        "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$pins" &&
        "$environment/bin/pip" check --quiet --disable-pip-version-check >&2 &&
        cp "$pins" "$environment/pins"; } ||
        die "schemathesis could not be fetched: connect once to the internet and run this again."
fi
