"""How the app's speed is measured, and that nothing of the measurer's own settings comes into it."""

import json
import socket
import sys
import urllib.request

import pytest

from benchmarks.speed.app import row
from digits.cli.launcher import Service
from digits.errors import SettingError
from scripts.demonstration import served
from tests.conftest import free_port

# Answers anything with the names of its environment variables.
SERVER = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())

    def log_message(self, *args):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_row_says_what_most_got_and_how_many_within_half_a_second() -> None:
    assert row("a stroke", [100.0] * 19 + [900.0]) == (
        "| a stroke | 100 ms | 140 ms | 900 ms | 95% | 140 ± 179 ms | 20 |"
    )


def test_what_is_demonstrated_runs_without_the_callers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", "nowhere.keras")
    monkeypatch.setenv("DIGITS_FEEDBACK", "mine.sqlite3")
    port = free_port()
    service = Service("server", port, "PORT", "/", (sys.executable, "-c", SERVER, str(port)), {"DIGITS_API_URL": "set"})
    with served([service]), urllib.request.urlopen(service.address) as answer:
        found = json.load(answer)
    assert {name: value for name, value in found.items() if name.startswith("DIGITS_")} == {"DIGITS_API_URL": "set"}


def test_another_program_at_the_port_is_not_taken_for_what_is_demonstrated() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        service = Service("server", port, "PORT", "/", (sys.executable, "-c", SERVER, str(port)))
        with pytest.raises(SettingError, match=f"Port {port}, for the server, is in use"), served([service]):
            pytest.fail("It was taken for it.")
