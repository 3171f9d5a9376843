import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from digits.recognizer import shipped_model
from digits.service.middleware.guard import client_of
from digits.service.problems import MEDIA_TYPE
from tests.conftest import BIN, ROOT, Server, free_port, serve

KEY, NEW_KEY = "the-key-of-the-till-0123", "the-new-key-of-the-till-0123"
SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()


def post(url: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(url + "/predict/", files={"file": SEVEN}, headers=named)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["request_id"] == response.headers["x-request-id"]
    return response.status_code, response.json()["type"].rsplit(":", 1)[1]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = folder / "keys"
    keys.write_text(f"till {KEY}\n")
    server = serve(
        folder,
        DIGITS_API_KEYS_FILE=str(keys),
        DIGITS_API_KEYS=f"phone {KEY}-phone",
        DIGITS_TRUSTED_HOSTS="127.0.0.1,*.example.com",
        DIGITS_CORS_ORIGINS="https://shop.example.com",
        DIGITS_LOG_LEVEL="debug",
    )
    try:
        yield server, keys
    finally:
        server.stop()


def test_without_a_key_or_with_a_wrong_one_nothing_is_answered(guarded: tuple[Server, Path]) -> None:
    url = guarded[0].url
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"authorization": "Bearer wrong"},
        {"x_api_key": "wrong"},
        {"authorization": "Basic YTpi"},
    )
    for response in (post(url, **headers) for headers in wrong):
        assert problem(response) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/model", "/metrics", "/predict/batch/"):
        assert problem(httpx.get(url + path)) == (401, "unauthorized")


def test_with_a_key_in_either_header_all_is_answered(guarded: tuple[Server, Path]) -> None:
    url = guarded[0].url
    assert post(url, authorization=f"Bearer {KEY}").json()["predicted_digit"] == 7
    assert post(url, x_api_key=KEY + "-phone").json()["predicted_digit"] == 7
    assert httpx.get(url + "/metrics", headers={"authorization": f"bearer {KEY}"}).status_code == 200


def test_health_and_documentation_need_no_key_and_say_that_others_do(guarded: tuple[Server, Path]) -> None:
    url = guarded[0].url
    for path in ("/health/live", "/health/ready", "/docs"):
        assert httpx.get(url + path).status_code == 200
    schema = httpx.get(url + "/openapi.json").json()
    assert schema["paths"]["/predict/"]["post"]["security"] == [{"APIKey": []}]
    assert "security" not in schema["paths"]["/health/ready"]["get"]


def test_only_the_trusted_hosts_are_answered_for(guarded: tuple[Server, Path]) -> None:
    url, key = guarded[0].url, f"Bearer {KEY}"
    assert post(url, authorization=key, host="digits.example.com:80").status_code == 200
    for host in ("example.com", "evil.com", "notexample.com", ""):
        assert problem(post(url, authorization=key, host=host)) == (421, "untrusted-host")
    # Load balancers look by address.
    assert httpx.get(url + "/health/ready", headers={"host": "10.0.0.7"}).status_code == 200


def test_pages_of_the_named_origins_may_call_and_no_others(guarded: tuple[Server, Path]) -> None:
    url = guarded[0].url
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = httpx.options(url + "/predict/", headers={"origin": "https://shop.example.com"} | asks)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example.com"
    refused = httpx.options(url + "/predict/", headers={"origin": "https://evil.com"} | asks)
    assert "access-control-allow-origin" not in refused.headers
    assert problem(refused) == (400, "blank")
    assert refused.json()["detail"].startswith("Disallowed CORS origin in a preflight request from 'https://evil.com'.")
    assert refused.headers["vary"].startswith("Origin")
    for_another = {"origin": "https://shop.example.com", "host": "evil.com"} | asks
    assert problem(httpx.options(url + "/predict/", headers=for_another)) == (421, "untrusted-host")
    answer = post(url, authorization=f"Bearer {KEY}", origin="https://shop.example.com")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example.com"


def test_keys_are_exchanged_without_a_restart_and_never_logged(guarded: tuple[Server, Path]) -> None:
    server, keys = guarded
    keys.write_text(f"till {NEW_KEY}\n")
    deadline = time.monotonic() + 10.0
    while post(server.url, x_api_key=NEW_KEY).status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert post(server.url, x_api_key=KEY).status_code == 401
    assert post(server.url, x_api_key=KEY + "-phone").status_code == 200
    keys.write_text(f"till {KEY}\n")
    log = server.output()
    assert "API keys read again: 2" in log
    assert re.search(r"DIGITS_API_KEYS +\*+", log)
    for key in (KEY, NEW_KEY):
        assert key not in log


def test_what_is_refused_need_not_be_sent(guarded: tuple[Server, Path]) -> None:
    host, port = guarded[0].url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"POST /predict/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"5\r\nhello\r\n")
        answer = b""
        # The connection ends with the answer, though the body goes on.
        while more := client.recv(65_536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("root", ["/digits", "/docs", "/health"])
def test_keys_are_asked_for_under_whatever_path_the_service_stands(tmp_path: Path, root: str) -> None:
    port = free_port()
    command = [str(BIN / "uvicorn"), "api:app", "--port", str(port), "--root-path", root]
    settings = {"DIGITS_API_KEYS": f"till {KEY}", "DIGITS_MODEL": str(shipped_model()), "PYTHONPATH": str(ROOT)}
    server = Server(command, tmp_path, f"http://127.0.0.1:{port}", settings)
    try:
        server.wait_until("/health/live")
        assert httpx.get(server.url + "/docs").status_code == 200
        for path in ("/model", "/metrics"):
            assert problem(httpx.get(server.url + path)) == (401, "unauthorized")
        assert problem(post(server.url)) == (401, "unauthorized")
        assert post(server.url, x_api_key=KEY).json()["predicted_digit"] == 7
        seen = httpx.get(server.url + "/metrics", headers={"x-api-key": KEY}).text
        assert 'route="/predict/",status="200"' in seen
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        # As an IPv4 client comes to a server that listens on both kinds of addresses.
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_without_a_key_is_counted_by_its_address(address: str, counted: str) -> None:
    assert client_of(Request({"type": "http", "client": (address, 1)})) == counted


def test_workers_count_a_clients_requests_together(tmp_path: Path) -> None:
    server = serve(tmp_path, "--workers", "2", DIGITS_RATE_LIMIT="20/hour")
    try:
        with ThreadPoolExecutor(4) as clients:
            answers = list(clients.map(lambda _: post(server.url), range(40)))
    finally:
        server.stop()
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [429] * 20
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem(refused) == (429, "rate-limited")
    assert 0 < int(refused.headers["retry-after"]) <= 180


def test_nothing_is_asked_for_unless_it_was_set(api: str) -> None:
    assert post(api, host="anything.example").status_code == 200
    assert "access-control-allow-origin" not in post(api, origin="https://shop.example.com").headers


def test_what_a_proxy_passes_on_as_address_cannot_forge_a_line_of_the_log(tmp_path: Path) -> None:
    server = serve(tmp_path)
    try:
        # A C1 control character, which headers may hold.
        headers = {b"X-Forwarded-For": "1.2.3.4\u0085forged".encode("latin-1")}
        assert httpx.get(server.url + "/health/live", headers=headers).status_code == 200
        server.wait_for_output("\\x85forged")
        assert "\u0085" not in server.output()
    finally:
        server.stop()
