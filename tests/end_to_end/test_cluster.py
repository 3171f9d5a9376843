"""The API on a real Ray cluster: the API's own tests, and what Ray adds."""

import asyncio
import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from starlette.types import Receive, Scope, Send

from benchmarks.faults import ray_chaos
from benchmarks.faults.ray_nodes import Nodes, started
from digits.cluster import ENVIRONMENT, Digits, RayAnswers, app, middleware
from digits.errors import SettingError
from digits.service.errors import NotReadyError
from digits.service.problems import MEDIA_TYPE
from digits.service.settings import Settings
from digits.service.state import ServiceState
from tests.conftest import ROOT, encode_png

# All but those that start a server of their own or send 10,000 requests; these, too, with --on-ray.
from tests.service.routes.test_api import (  # noqa: F401
    openapi,
    post,
    test_a_bad_request_gets_the_documented_problem,
    test_a_body_over_the_limit_is_refused_while_it_comes_in,
    test_a_file_built_to_keep_a_decoder_busy_does_not_hold_up_the_health_check,
    test_an_answer_is_what_its_schema_says,
    test_an_image_is_answered_with_the_contract_with_and_without_the_slash,
    test_each_operation_is_documented_once_under_a_name_of_its_own,
    test_each_problem_is_documented_with_an_example_and_tested_here,
    test_each_sample_is_read,
    test_each_way_to_send_an_image_is_documented,
    test_health_checks_answer,
    test_photos_in_flight_do_not_hold_up_the_health_check,
    test_the_docs_page_needs_no_other_host,
    test_the_documented_answer_has_the_form_of_a_real_one,
    test_the_form_of_a_batch_is_documented,
    test_the_model_in_use_is_told,
    test_the_root_leads_to_the_docs,
    test_unknown_paths_and_methods_are_problems_too,
)

# A cluster may take minutes to start on a machine that is busy with other work.
pytestmark = pytest.mark.timeout(900)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="tells processes by /proc")


@pytest.fixture(scope="module")
def nodes(repository: Path) -> Iterator[Nodes]:
    with started((2,), cwd=repository) as nodes:
        nodes.deploy(1)
        nodes.wait_until_running()
        yield nodes


@pytest.fixture(scope="module")
def api(nodes: Nodes) -> str:
    return nodes.url


def test_metrics_are_those_of_a_replica(api: str, sample: Path) -> None:
    post(api, sample.read_bytes())
    assert 'digits_requests_total{method="POST",route="/predict/",status="200"}' in httpx.get(api + "/metrics").text


def test_an_answer_has_one_request_id_which_is_the_clients_if_it_gives_one(api: str) -> None:
    response = httpx.get(api + "/health/live", headers={"X-Request-ID": "mine"})
    assert response.headers.get_list("x-request-id") == ["mine"]


def test_beyond_the_queue_the_answer_is_a_problem_that_says_when_to_come_again(nodes: Nodes) -> None:
    nodes.deploy(1, {"max_ongoing_requests": 1, "max_queued_requests": 1})
    nodes.wait_until_running()
    photo = encode_png(np.random.default_rng(0).integers(0, 255, (1500, 2000), dtype=np.uint8), compress_level=1)
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: post(nodes.url, photo), range(12)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} <= {200, 422, 503}
    assert 0 < len(refused) < 12
    for answer in refused:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "urn:digits:problem:overloaded"


def test_a_request_that_takes_too_long_is_ended_whatever_its_headers_say(nodes: Nodes) -> None:
    actor = {"num_cpus": 1, "runtime_env": {"env_vars": {"CLUSTER_REQUEST_SECONDS": "1.5"}}}
    replicas_before = set(nodes.replicas())
    nodes.deploy(1, {"ray_actor_options": actor})
    nodes.wait_until_running()
    # Those of the deployment before have another limit, and may still be asked until they end.
    end = time.monotonic() + 60
    while replicas_before & set(nodes.replicas()):
        assert time.monotonic() < end
        time.sleep(0.2)

    def seconds_of_a_slow_upload(headers: dict[str, str]) -> float:
        began = time.monotonic()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", nodes.http_port, timeout=60)) as client:
            client.putrequest("POST", "/predict/")
            for name, value in {"Content-Type": "image/png", "Content-Length": "1000", **headers}.items():
                client.putheader(name, value)
            client.endheaders(b"\x89")
            answer = client.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (408, MEDIA_TYPE)
        return time.monotonic() - began

    # Until HAProxy knows the new replica, Ray's own proxy hands requests on, with the limit of its own environment.
    end = time.monotonic() + 150
    while seconds_of_a_slow_upload({}) >= 25:
        assert time.monotonic() < end
    for headers in ({}, {"X-Request-Timeout-Seconds": "0", "X-Request-Disconnect-Disabled": "?1"}):
        # The API by itself would wait for the body for 30 s.
        assert 1.5 <= seconds_of_a_slow_upload(headers) < 25


def test_a_longest_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("soon", "0", "-1", "inf", "nan"):
        monkeypatch.setenv("CLUSTER_REQUEST_SECONDS", text)
        with pytest.raises(SettingError, match=f"CLUSTER_REQUEST_SECONDS is '{text}'"):
            middleware()


def test_without_a_cluster_a_wrong_setting_is_told_at_once() -> None:
    for arguments, words in (
        ({"max_bytes": "-1"}, "DIGITS_MAX_BYTES is '-1'"),
        ({"modell": "a"}, "There is no setting modell; there are model, "),
    ):
        with pytest.raises(SettingError, match=words):
            app(arguments)


def test_what_a_shell_and_what_the_code_tell_ray_is_the_same() -> None:
    script = f"set -a; . {ROOT / 'deploy' / 'ray.env'}; env -0"
    shell = subprocess.run(["env", "-i", "sh", "-c", script], capture_output=True, text=True, check=True).stdout
    told = dict(line.split("=", 1) for line in shell.split("\0") if line.startswith("RAY_"))
    assert told == {**ENVIRONMENT, "RAY_AUTH_MODE": "token"}
    config = yaml.safe_load((ROOT / "serve.yaml").read_text())
    assert set(config["applications"][0]["args"]) <= set(Settings.model_fields)


def test_a_replica_is_healthy_while_it_reads() -> None:
    async def check() -> None:
        replica = Digits(Settings())
        with pytest.raises(NotReadyError):
            await replica.check_health()
        api = replica.__serve_build_asgi_app__()
        async with api.router.lifespan_context(api):
            await replica.check_health()
            service: ServiceState = api.state.service
            service.models.recognizer.warm_up = fail  # type: ignore[method-assign]
            with pytest.raises(ZeroDivisionError):
                await replica.check_health()

    def fail() -> None:
        raise ZeroDivisionError

    asyncio.run(check())


def answered_by_ray(status: int, text: str, headers: Mapping[str, str]) -> httpx.Response:
    """What comes of an answer through the middleware."""

    async def rays(scope: Scope, receive: Receive, send: Send) -> None:
        given = [[name.encode(), value.encode()] for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": text.encode()})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=RayAnswers(rays))
        async with httpx.AsyncClient(transport=transport, base_url="http://ray") as client:
            return await client.get("/")

    return asyncio.run(ask())


PLAIN = {"content-type": "text/plain"}


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (503, "Request dropped due to backpressure", (503, "urn:digits:problem:overloaded", "1")),
        (503, "Deployment is unavailable", (503, "urn:digits:problem:not-ready", "1")),
        (500, "Internal Server Error", (503, "urn:digits:problem:not-ready", "1")),
        (408, "Request 1 timed out after 60s.", (408, "about:blank", None)),
        (404, "Path '/x' not found.", (404, "about:blank", None)),
    ],
)
def test_rays_own_answers_become_problems(status: int, text: str, expected: tuple[int, str, str | None]) -> None:
    answer = answered_by_ray(status, text, PLAIN)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, answer.json()["type"], answer.headers.get("retry-after")) == expected


def test_the_apis_own_answers_pass_as_they_are() -> None:
    problem: dict[str, Any] = {"type": "urn:digits:problem:overloaded"}
    for status, text, headers in (
        (503, json.dumps(problem), {"content-type": MEDIA_TYPE}),
        (200, "digits_requests_total 1", PLAIN),
    ):
        answer = answered_by_ray(status, text, headers)
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
            status,
            text,
            headers["content-type"],
        )


@LINUX
def test_a_killed_replica_costs_a_client_that_sends_again_nothing(nodes: Nodes) -> None:
    nodes.deploy(2)
    nodes.wait_until_running()
    outage = ray_chaos.kill_replica(nodes, 4, 0.5)
    assert outage.lost == 0
    assert outage.requests > 4 >= sum(outage.failed.values())


@LINUX
def test_a_killed_node_costs_a_client_that_sends_again_nothing(nodes: Nodes) -> None:
    node = nodes.add(1)
    nodes.deploy(3)
    nodes.wait_until_running()
    assert ray_chaos.kill_node(nodes, node, 1, 4, 0.5).lost == 0


@LINUX
def test_another_model_takes_over_with_no_request_lost_and_no_answer_from_both(nodes: Nodes) -> None:
    found = ray_chaos.update(nodes, 2, 4, 0.5, broken=False)
    assert found.outage.lost == sum(found.outage.failed.values()) == found.mixed == found.stale == 0
    assert min(found.models) > 0
