#!/bin/sh
# try_serving.sh PYTHON: makes the serving install in a fresh environment of PYTHON, and has it read a digit, a number,
# and a digit over HTTP.
set -eu

folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$folder"' EXIT
"$1" -m venv "$folder/venv"
bin=$folder/venv/bin
"$bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: \
    -r requirements/build.txt -r requirements/serve.txt
"$bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation .

picture=$PWD/digits/samples/7_stylus.png
number=$PWD/digits/samples/numbers/two_lines.png
# Elsewhere, so that the package that was installed is tried, and not that of the clone.
cd "$folder"
"$bin/digits" predict --json "$picture" | grep '"predicted_digit": 7,'
"$bin/digits" read "$number" | grep ': 2024'
"$bin/digits" serve --brief --port "${PORT:-8123}" &
server=$!
"$bin/python" - "http://127.0.0.1:${PORT:-8123}/predict/" "$picture" <<'END'
import json, sys, time, urllib.error, urllib.request

address, picture = sys.argv[1:]
request = urllib.request.Request(address, open(picture, "rb").read(), {"Content-Type": "image/png"})
for attempt in range(240):
    try:
        answer = json.load(urllib.request.urlopen(request, timeout=10))
        break
    except urllib.error.URLError:
        time.sleep(0.25)
else:
    sys.exit("the API does not answer")
print(answer)
sys.exit(answer["predicted_digit"] != 7)
END
