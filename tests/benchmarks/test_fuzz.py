"""A short run of `python -m benchmarks.hostile.fuzz`, and whether it would notice."""

from collections.abc import Iterator

import pytest

from benchmarks.hostile.fuzz import SERVER_SETTINGS, Fuzzer, case_of, digest, judge, watch
from benchmarks.hostile.malformed import Case
from benchmarks.hostile.specimens import SAMPLES, specimens
from benchmarks.support.client import Answer
from benchmarks.support.servers import SERVE, Running, running
from tests.conftest import ROOT, run_python

FILES = specimens()
PROBLEM = b'{"type":"urn:digits:problem:%s","title":"","status":%d,"detail":""}'


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(SERVE, (SAMPLES / "7_stylus.png").read_bytes(), SERVER_SETTINGS) as server:
        yield server


def test_damaged_images_and_malformed_requests_are_refused_in_order(server: Running) -> None:
    fuzzer = Fuzzer(server.url, 1, FILES)
    watch(server, fuzzer, 600, 4)
    assert fuzzer.findings == []
    assert sum(fuzzer.outcomes.values()) >= 600
    assert len(fuzzer.outcomes) > 10


def test_a_seed_gives_the_same_requests_in_every_process() -> None:
    done = run_python(["-m", "benchmarks.hostile.fuzz", "--digest", "--requests", "200", "--seed", "7"], ROOT)
    assert done.stdout.strip() == digest(7, 200, FILES)
    assert digest(8, 200, FILES) != digest(7, 200, FILES)


def answer(status: int, body: bytes, media_type: str = "application/problem+json", **headers: str) -> Answer:
    return Answer(status, {"content-type": media_type, **headers}, body, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        answer(500, b'{"type":"about:blank","title":"","status":500,"detail":""}'),
        answer(502, PROBLEM % (b"overloaded", 502)),
        answer(415, PROBLEM % (b"unsupported-format", 415), "application/json"),
        answer(415, PROBLEM % (b"nonsense", 415)),
        answer(422, PROBLEM % (b"unsupported-format", 422)),
        answer(400, b"Invalid HTTP request received.", "text/plain"),
        answer(415, b"<html>"),
        answer(415, b"{}"),
        answer(408, PROBLEM % (b"body-too-slow", 408)),
    ],
)
def test_a_wrong_answer_is_noticed(wrong: Answer) -> None:
    assert judge(Case("", (b"POST ",)), wrong)


@pytest.mark.parametrize(
    "right",
    [
        answer(200, b"{}", "application/json"),
        answer(503, PROBLEM % (b"overloaded", 503)),
        answer(415, PROBLEM % (b"unsupported-format", 415)),
        answer(404, b'{"type":"about:blank","title":"","status":404,"detail":""}'),
        answer(408, PROBLEM % (b"body-too-slow", 408), connection="close"),
    ],
)
def test_a_right_answer_passes(right: Answer) -> None:
    assert judge(Case("", (b"POST ",)), right) is None


def test_what_is_no_http_may_be_refused_by_the_server_itself() -> None:
    own = answer(400, b"Invalid HTTP request received.", "text/plain")
    assert judge(Case("", (b"nonsense",), is_http=False), own) is None


def test_a_request_follows_from_its_number_alone() -> None:
    assert case_of(3, 14, FILES) == case_of(3, 14, FILES)
    assert case_of(3, 14, FILES) != case_of(3, 15, FILES)
