"""Connections that say nothing, or too little, and more of them than are taken."""

import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from benchmarks.support.client import upload_raw
from digits.service.process.connection_room import ConnectionRoom, Place
from tests.conftest import ROOT, Server, serve

MOST, SECONDS = 5, 0.5


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("connections")
    server = serve(
        folder,
        DIGITS_MAX_CONNECTIONS=str(MOST),
        DIGITS_MAX_CONNECTIONS_PER_ADDRESS=str(MOST),
        DIGITS_HEADER_SECONDS=str(SECONDS),
    )
    try:
        yield server
    finally:
        server.stop()


def connect(server: Server) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_all(client: socket.socket) -> bytes:
    answer = b""
    while more := client.recv(65_536):
        answer += more
    return answer


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /health/live HTTP/1.1\r\nHost",
        b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET /health/live HTTP/1.1\r\nX-Long: ",
    ],
    ids=["nothing", "half a request", "half a second request"],
)
def test_whoever_does_not_finish_the_headers_is_cut_off(strict: Server, said: bytes) -> None:
    with connect(strict) as client:
        start = time.monotonic()
        client.sendall(said)
        answer = read_all(client)
        assert time.monotonic() - start >= 0.8 * SECONDS
        assert answer.count(b"HTTP/1.1 200") == (1 if b"\r\n\r\n" in said else 0)


def test_headers_that_trickle_are_cut_off_as_well(strict: Server) -> None:
    with connect(strict) as client:
        start = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        client.settimeout(0.05)
        while time.monotonic() - start < 10.0:
            try:
                client.sendall(b"a")
                if not client.recv(1):
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        assert time.monotonic() - start < 8.0


def test_one_connection_too_many_is_told_to_come_again(strict: Server) -> None:
    deadline = time.monotonic() + 10.0
    open_ones: list[socket.socket] = []
    try:
        # Some that earlier tests left may still be there: as many more as are taken.
        while len(open_ones) < MOST:
            client = connect(strict)
            client.settimeout(0.1)
            try:
                refused = client.recv(1) != b""
            except TimeoutError:
                refused = False
            if refused:
                client.close()
                assert time.monotonic() < deadline
                continue
            client.settimeout(10)
            client.sendall(
                b"POST /predict/ HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\n"
            )
            open_ones.append(client)
        with connect(strict) as extra:
            head, _, body = read_all(extra).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1" in head
        assert json.loads(body)["type"] == "urn:digits:problem:overloaded"
    finally:
        for client in open_ones:
            client.close()
    time.sleep(0.2)
    assert httpx.get(strict.url + "/health/live").status_code == 200


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that holds so many connections, half of them from one address."""
    server = serve(tmp_path_factory.mktemp("shared"), DIGITS_MAX_CONNECTIONS=str(2 * MOST))
    try:
        yield server
    finally:
        server.stop()


def ask_from(server: Server, source: str, path: str) -> bytes:
    """Returns the answer to a request from one of the addresses of this machine."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return read_all(client)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has all addresses of 127/8")
def test_idle_connections_of_one_address_lock_out_nobody_else_and_no_health_check(shared: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(3 * MOST):
            stack.enter_context(connect(shared))
        time.sleep(0.2)
        refused = ask_from(shared, "127.0.0.1", "/model")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert f"{MOST} connections from this address are open".encode() in refused
        # They have sent nothing for a second: what was kept for health checks is free again.
        time.sleep(1.2)
        assert ask_from(shared, "127.0.0.1", "/health/live?a=b").startswith(b"HTTP/1.1 200 ")
        assert ask_from(shared, "127.0.0.2", "/model").startswith(b"HTTP/1.1 200 ")


def test_when_all_connections_are_taken_health_is_still_answered(strict: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            client = stack.enter_context(connect(strict))
            client.sendall(
                b"POST /predict/ HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\n"
            )
        time.sleep(0.3)
        assert ask_from(strict, "127.0.0.1", "/predict/?x=/health/live").startswith(b"HTTP/1.1 503 ")
        # Such a connection is for one request, though the client would go on.
        with connect(strict) as client:
            client.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_all(client).startswith(b"HTTP/1.1 200 ")


def test_places_are_counted_by_address_and_given_back() -> None:
    room = ConnectionRoom(4)
    assert [room.take("10.0.0.1") for _ in range(3)] == [Place.FULL, Place.FULL, Place.FOR_HEALTH]
    assert room.take("2001:db8::1") is Place.FULL
    assert room.take("2001:db8::2") is Place.FULL
    assert room.take("10.0.0.2") is Place.FOR_HEALTH
    assert "4 connections are open" in room.why_full("10.0.0.2")
    for _ in range(14):
        room.take("10.0.0.2")
    assert room.take("10.0.0.2") is Place.NONE
    room.leave("2001:db8::3", Place.FULL)
    room.leave("10.0.0.1", Place.FOR_HEALTH)
    assert "2 connections from this address are open" in room.why_full("10.0.0.1")
    assert [room.take("10.0.0.2"), room.take("10.0.0.3")] == [Place.FULL, Place.FOR_HEALTH]


def test_clients_of_a_socket_file_share_all_places() -> None:
    room = ConnectionRoom(4)
    assert [room.take("") for _ in range(4)] == [Place.FULL] * 4


def ask(server: Server, request: bytes, *, half_close: bool = False) -> bytes:
    """The whole answer to some bytes."""
    with connect(server) as client:
        client.sendall(request)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        return read_all(client)


HEAD = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Long: " + b"a" * 40_000 + b"\r\n\r\n",
        b"X-Many: abcdefgh\r\n" * 2_500 + b"\r\n",
        b"X-Endless: " + b"a" * 90_000,
    ],
    ids=["one long", "many", "one without an end"],
)
def test_headers_over_the_limit_are_refused(strict: Server, headers: bytes) -> None:
    answer = ask(strict, HEAD + headers)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "about:blank"


def test_headers_within_the_limit_are_taken(strict: Server) -> None:
    assert ask(strict, HEAD + b"X-Long: " + b"a" * 30_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_body_that_comes_with_its_headers_does_not_count_as_headers(strict: Server) -> None:
    head = b"POST /predict/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: image/png\r\n"
    answer = ask(strict, head + b"Content-Length: 50000\r\n\r\n" + b"x" * 50_000)
    assert answer.startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"], ids=["none", "two"])
def test_a_request_needs_exactly_one_host(strict: Server, hosts: bytes) -> None:
    answer = ask(strict, b"GET /health/live HTTP/1.1\r\n" + hosts + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Host headers" in answer


@pytest.mark.parametrize("host", [b"Host: a\r\n", b""], ids=["by the application", "by the connection"])
def test_who_reads_only_after_sending_sees_the_refusal(strict: Server, host: bytes) -> None:
    body = bytes(24 * 1024 * 1024)
    with connect(strict) as client:
        client.sendall(b"POST /predict/ HTTP/1.1\r\n" + host)
        client.sendall(b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body))
        client.sendall(body)
        head, _, answer = read_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 " if host else b"HTTP/1.1 400 ")
    assert b"connection: close" in head.lower()
    assert json.loads(answer)["status"] == (413 if host else 400)


def test_who_goes_on_sending_after_a_refusal_is_cut_off(strict: Server) -> None:
    start = time.monotonic()
    with connect(strict) as client, contextlib.suppress(ConnectionError):
        client.sendall(b"POST /predict/ HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n")
        while time.monotonic() - start < 10.0:
            client.sendall(bytes(1024))
            time.sleep(0.01)
    assert time.monotonic() - start < 10.0


def test_http_1_0_needs_no_host(strict: Server) -> None:
    assert ask(strict, b"GET /health/live HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_who_closes_its_half_after_a_whole_request_gets_its_answer(strict: Server) -> None:
    photo = (ROOT / "digits" / "samples" / "8_photo.png").read_bytes()
    answer = ask(strict, upload_raw(photo), half_close=True)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["predicted_digit"] == 8


def test_who_closes_its_half_in_the_middle_of_a_request_is_let_go(strict: Server) -> None:
    assert ask(strict, upload_raw(b"x" * 1000)[:-10], half_close=True) == b""


@pytest.mark.parametrize(
    "said",
    [
        b"POST /predict/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZZ",
        b"POST /predict/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789POST /predict/ HTTP/1.1\r\n\r\n",
    ],
    ids=["before what is no HTTP", "behind a request that is being answered"],
)
def test_a_refusal_is_the_end_of_a_connection(strict: Server, said: bytes) -> None:
    with connect(strict) as client:
        client.sendall(said)
        answer = read_all(client)
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert b"The request has 0 Host headers" in answer
    assert "Traceback" not in strict.output()
