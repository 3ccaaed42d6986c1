#!/usr/bin/env bash
# Plants the bugs of planted.txt, one at a time, in a copy of this tree, and runs the tests of the crate:
# each must turn red. Prints which test caught which bug, and the score. Arguments choose bugs by words
# of their description or file: `make plant BUGS=confirm`.
#
# Takes about 20 s a bug, so it is no part of `make test`. A failing test that does not name its bug is
# as good as any: what counts is that the bug would not have been committed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_cargo
table="$ROOT/scripts/planted.txt"
# Another place lets a second run go on beside the first.
tree="${PLANT:-$ROOT/target/plant}"
log="$tree.log"
# One of its own: in a shared one the crates of two trees are the same crates to cargo, and a bug
# would get into the builds of the tree at work. Costs one build of everything, the first time.
export CARGO_TARGET_DIR="$tree-build"

# All files are new ones: cargo must not take the build of the last bug for theirs.
rm -rf "$tree"
mkdir -p "$tree"
(cd "$ROOT" && git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --null --files-from=- -cf -) | tar -C "$tree" -xmf -

# That a sequence fails is enough here; how it fails at its shortest is not asked.
export PROPTEST_MAX_SHRINK_ITERS=0 RUST_BACKTRACE=0

# The tests that guard a file.
tests_of() {
    case "$1" in
    lua/*) echo test --locked -p lua --lib --test sale ;;
    purchase/*) echo test --locked -p purchase --test it ;;
    *) die "planted.txt: no tests are known for $1" ;;
    esac
}

# Runs them; says "green", "red", "hangs" or "does not compile".
run() {
    local code=0
    # shellcheck disable=SC2046
    (cd "$tree" && timeout 240 cargo $(tests_of "$1") --no-fail-fast) \
        >"$log" 2>&1 || code=$?
    if [ "$code" -eq 0 ]; then echo green
    elif grep -q '^test .* FAILED$' "$log"; then echo red
    elif [ "$code" -eq 124 ]; then echo hangs
    else echo 'does not compile'
    fi
    # What the model test remembers belongs to this bug alone.
    rm -f "$tree/lua/tests/sale/"*.regressions
    (cd "$ROOT" && for kept in lua/tests/sale/*.regressions; do
        [ ! -e "$kept" ] || cp "$kept" "$tree/$kept"
    done)
}

caught=0
all=0
missed=()
# plant BUG FILE SUBSTITUTIONS: plants one, tells what came of it, and takes it out again.
plant() {
    local bug="$1" file="$2" expressions="$3" outcome by
    all=$((all + 1))
    cp "$tree/$file" "$tree.sound"
    perl -0pi -e "$expressions" "$tree/$file"
    if cmp -s "$tree.sound" "$tree/$file"; then
        outcome=stale by=''
    else
        outcome="$(run "$file")"
        by="$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sed 's/.*:://' | sort -u)"
    fi
    case "$outcome" in
    red | hangs) caught=$((caught + 1)) ;;
    *) missed+=("$outcome: $bug ($file)") ;;
    esac
    printf '%-16s | %-24s | %s | %s\n' "$outcome" "${file##*/}" "$bug" \
        "$(printf '%s' "$by" | head -n 2 | paste -sd, - | sed 's/,/, /') ($(printf '%s' "$by" | grep -c .) red)"
    # Without the times of the original: cargo builds what is newer than its last build.
    cat "$tree.sound" >"$tree/$file"
}

# Without a bug a crate's tests must be green, or red would mean nothing.
green=''
must_be_green() {
    case "$green" in *" ${1%%/*} "*) return 0 ;; esac
    [ "$(run "$1")" = green ] ||
        { tail -n 40 "$log" >&2; die "The tests of ${1%%/*} are not green without a bug."; }
    green+=" ${1%%/*} "
}

wanted="${*:-}"
bug='' file='' expressions=''
take() {
    [ -n "$bug" ] || return 0
    case "$bug $file" in
    *"$wanted"*)
        must_be_green "$file"
        plant "$bug" "$file" "$expressions"
        ;;
    esac
    bug='' file='' expressions=''
}

say "outcome | file | bug | caught by"
while IFS= read -r line; do
    case "$line" in
    '#'* | '') take ;;
    'bug: '*) bug="${line#bug: }" ;;
    'in: '*) file="${line#in: }" ;;
    *) expressions+="$line;" ;;
    esac
done <"$table"
take

say "result"
for name in "${missed[@]}"; do echo "$name"; done
echo "$caught of $all planted bugs were caught"
[ "$caught" -eq "$all" ]
