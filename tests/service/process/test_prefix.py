"""Behind a proxy that shows the API under a prefix, the documentation and its links stand under the prefix."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import SAMPLES, Server, serve

FORWARDED = {"X-Forwarded-Prefix": "/ml"}


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("prefixed"), "--root-path", "/ml")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def forwarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("forwarded"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def distrustful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("distrustful"), FORWARDED_ALLOW_IPS="192.0.2.1")
    yield server
    server.stop()


def check_documentation(url: str, headers: dict[str, str], prefix: str) -> None:
    """All links of the page begin with the prefix, and lead somewhere once the proxy has taken it off."""
    page = httpx.get(url + "/docs", headers=headers).text
    links = [*re.findall(r'(?:src|href)="([^"]+)"', page), *re.findall(r"url: '([^']+)'", page)]
    assert len(links) >= 3
    for link in links:
        assert link.startswith(prefix + "/"), link
        assert httpx.get(url + link.removeprefix(prefix), headers=headers).status_code == 200
    schema = httpx.get(url + "/openapi.json", headers=headers).json()
    assert [server["url"] for server in schema.get("servers", [])] == ([prefix] if prefix else [])
    assert httpx.get(url + "/", headers=headers).headers["location"] == prefix + "/docs"


def test_with_a_root_path_the_documentation_is_right_and_requests_are_answered(prefixed: Server) -> None:
    check_documentation(prefixed.url, {}, "/ml")
    answer = httpx.post(prefixed.url + "/predict/", files={"file": SAMPLES[0].read_bytes()})
    assert answer.json()["predicted_digit"] == int(SAMPLES[0].stem[0])
    assert 'route="/predict/"' in httpx.get(prefixed.url + "/metrics").text


def test_a_trusted_proxy_says_under_which_prefix_it_shows_the_api(forwarded: Server) -> None:
    check_documentation(forwarded.url, FORWARDED, "/ml")
    answer = httpx.post(forwarded.url + "/predict/", files={"file": SAMPLES[0].read_bytes()}, headers=FORWARDED)
    assert answer.status_code == 200


def test_one_request_has_its_prefix_and_the_next_none(forwarded: Server) -> None:
    with httpx.Client() as client:
        assert client.get(forwarded.url + "/", headers=FORWARDED).headers["location"] == "/ml/docs"
        assert client.get(forwarded.url + "/").headers["location"] == "/docs"


@pytest.mark.parametrize("prefix", ["//evil.example", "/a b", "evil", "/<script>", "/a//b"])
def test_a_prefix_that_is_no_path_is_not_heeded(forwarded: Server, prefix: str) -> None:
    headers = {"X-Forwarded-Prefix": prefix}
    assert httpx.get(forwarded.url + "/", headers=headers).headers["location"] == "/docs"


def test_nobody_else_sets_a_prefix(distrustful: Server) -> None:
    assert httpx.get(distrustful.url + "/", headers=FORWARDED).headers["location"] == "/docs"


def test_a_prefix_that_is_none_stops_the_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(AssertionError, match="--root-path is 'ml/'"):
        serve(tmp_path_factory.mktemp("wrong"), "--root-path", "ml/")
