#!/bin/sh
# make_venv.sh FOLDER PYTHON...: makes a virtual environment with the first PYTHON whose version can train; if none can,
# with the first that can serve.
set -eu

venv=$1
shift
rm -rf "$venv"
trains='import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
serves='import sys; raise SystemExit(sys.version_info[:2] < (3, 11))'

for supported in "$trains" "$serves"; do
    for candidate in "$@"; do
        "$candidate" -c "$supported" >/dev/null 2>&1 || continue
        echo "Making $venv with $("$candidate" --version) ..."
        # Debian's Python has venv but not ensurepip unless python3-venv is installed; virtualenv needs neither.
        if "$candidate" -m venv "$venv" >/dev/null 2>&1; then
            exit 0
        fi
        rm -rf "$venv"
        bootstrap=$(mktemp -d)
        trap 'rm -rf "$bootstrap"' EXIT
        lock=$(dirname "$0")/../requirements/venv.txt
        "$candidate" -m pip --disable-pip-version-check --quiet install --require-hashes \
            --only-binary :all: --target "$bootstrap" -r "$lock"
        PYTHONPATH=$bootstrap "$candidate" -m virtualenv --quiet --no-download "$venv"
        exit 0
    done
done

echo "No supported Python among: $*. Digits needs Python 3.11 or newer;" \
    "name one with: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
