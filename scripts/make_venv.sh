#!/bin/sh
# make_venv.sh FOLDER PYTHON...: makes a virtual environment with the first PYTHON whose version is supported.
set -eu

venv=$1
shift
rm -rf "$venv"
supported='import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

for candidate in "$@"; do
    if "$candidate" -c "$supported" >/dev/null 2>&1; then
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
    fi
done

echo "No supported Python among: $*. Digits needs Python 3.11, 3.12 or 3.13;" \
    "name one with: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
