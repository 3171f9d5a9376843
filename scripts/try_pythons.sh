#!/bin/sh
# try_pythons.sh PYTHON...: runs `make test` in a fresh clone with each PYTHON that is on this machine.
set -eu

tried=0
for python in "$@"; do
    "$python" --version >/dev/null 2>&1 || continue
    clone=$(mktemp -d)
    git clone --quiet . "$clone"
    echo "== $("$python" --version)"
    make -C "$clone" test PYTHON="$python"
    rm -rf "$clone"
    tried=$((tried + 1))
done
echo "$tried versions passed."
[ "$tried" -gt 0 ]
